"""What there is to look at: customers and what they owe, drops and their health, profiles, what was done, who may come in."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger, loading, queue
from daemon.ledger.people import Session
from daemon.web.auth import act_of_people, engine_of, for_people, profiles_of, settings_of
from daemon.web.rendering import page
from daemon.web.tongue import words_of

_FOUND = 50
_AUDITED = 200


def customers(request: Request, session: Session) -> Response:
    """Customers by their code or name."""
    words, account = request.query_params.get("q", "").strip()[:100], session.account
    found = []
    if words:
        with db.transaction(engine_of(request)) as conn:
            found = loading.find_customers(conn, words, None if account.is_admin else account.entities, _FOUND)
    return page("customers.html", words_of(request, account=account), session=session, found=found, asked=words)


def customer(request: Request, session: Session) -> Response:
    """One customer: balances, ages, items."""
    entity, code = request.query_params.get("entity", ""), request.query_params.get("code", "")
    if not session.account.may_see([entity]):
        raise HTTPException(404)
    with db.transaction(engine_of(request)) as conn:
        card = loading.customer_card(conn, entity, code)
    if card is None:
        raise HTTPException(404)
    return page("customer.html", words_of(request, account=session.account), session=session, card=card)


def drops(request: Request, session: Session) -> Response:
    """The drops: what is wrong, when they were looked into, which of their files nobody claims."""
    settings = settings_of(request)
    with db.transaction(engine_of(request)) as conn:
        told = [
            (
                name,
                drop,
                ledger.drops.drop_state(conn, name, queue.this_host()),
                sorted(ledger.drops.unmatched_files(conn, name), key=lambda file: file.name),
            )
            for name, drop in settings.drops.items()
        ]
    return page("drops.html", words_of(request, account=session.account), session=session, drops=told)


def look_now(request: Request, session: Session, form: FormData) -> Response:
    """Have a drop looked into."""
    name = request.path_params["name"]
    if name not in settings_of(request).drops:
        raise HTTPException(404)
    request.app.state.look(name)
    with db.transaction(engine_of(request)) as conn:
        ledger.people.record_act(conn, session.account.name, "look now", drop=name)
    return RedirectResponse("/drops", 303)


def profiles(request: Request, session: Session) -> Response:
    """The profiles in force, and what is wrong with those that are not."""
    known = profiles_of(request)
    mistakes = [str(mistake) for mistake in known.mistakes]
    return page(
        "profiles.html", words_of(request, account=session.account), session=session, profiles=list(known), mistakes=mistakes
    )


def profile(request: Request, session: Session) -> Response:
    """A profile as it is written."""
    saved = profiles_of(request).saved(request.path_params["name"])
    if saved is None:
        raise HTTPException(404)
    text = (settings_of(request).profiles / f"{saved.name}.toml").read_text(encoding="utf-8")
    return page("profile.html", words_of(request, account=session.account), session=session, name=saved.name, text=text)


def audit(request: Request, session: Session) -> Response:
    """What was done, and who may come in."""
    with db.transaction(engine_of(request)) as conn:
        acts, people = ledger.people.audited(conn, _AUDITED), ledger.people.accounts(conn)
    return page("audit.html", words_of(request, account=session.account), session=session, acts=acts, people=people)


routes = [
    Route("/customers", for_people(customers)),
    Route("/customer", for_people(customer)),
    Route("/drops", for_people(drops, admins=True)),
    Route("/drops/{name}", act_of_people(look_now, admins=True), methods=["POST"]),
    Route("/profiles", for_people(profiles, admins=True)),
    Route("/profiles/{name}", for_people(profile, admins=True)),
    Route("/audit", for_people(audit, admins=True)),
]
