// A page about what is under way: when an event says that it stands otherwise, its main part is fetched anew.
const main = document.querySelector("main");
const follow = () => main.querySelector("[data-follow]")?.dataset.follow;

async function renew() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  main.replaceChildren(...page.querySelector("main").childNodes);
}

if (follow()) {
  const events = new EventSource(follow());
  events.onmessage = async () => {
    await renew();
    if (!follow()) events.close();
  };
  events.onerror = () => events.readyState === EventSource.CLOSED && follow() && setTimeout(() => location.reload(), 5000);
}
