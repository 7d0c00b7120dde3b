INSERT INTO ar (cust, inv, amt) VALUES ('C1','I1',10.00);
INSERT INTO ar (cust, inv, amt) VALUES ('C2','I2',20.00);
