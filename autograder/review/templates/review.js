
// A change is saved when its field is left, and keys walk through the queue. Without this the page is forms and links.
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  let question = null;

  const say = (form, words, wrong) => {
    form.classList.toggle("wrong", wrong);
    one("output", form).textContent = words;
  };
  const replaceLive = (page, form) => {
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(fresh.id);
      const same = old && (fresh.dataset.live === "always" || (form && old.id === form.id));
      if (same) old.replaceWith(document.importNode(fresh, true));
    }
  };
  const send = async (form, body) => {
    if (form.dataset.sent === body) return;
    form.dataset.sent = body;
    const focused = form.contains(document.activeElement) ? document.activeElement.name : "";
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(body) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) {
        const refusal = one(".refusal", page);
        form.nextElementSibling?.matches(".refusal") && form.nextElementSibling.remove();
        if (answer.status === 409 && refusal) form.after(document.importNode(refusal, true));
        else say(form, one(".refusal p", page)?.textContent.trim() || `Not saved: ${answer.status}`, true);
        return;
      }
      form.nextElementSibling?.matches(".refusal") && form.nextElementSibling.remove();
      replaceLive(page, form);
      if (focused) one(`[name="${focused}"]`, document.getElementById(form.id))?.focus();
    } catch {
      delete form.dataset.sent;
      say(form, "Not saved: the server does not answer.", true);
    }
  };
  const ready = (form) => {
    const waits = "why" in form.dataset && form.elements.value.value.trim() && !form.elements.why.value.trim();
    if (waits) say(form, "Not saved yet: say why.", true);
    return !waits;
  };
  const saves = (form) => form && form.matches("form.decide[data-live]") && !form.closest(".refusal");
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (saves(form) && ready(form)) send(form, new URLSearchParams(new FormData(form)).toString());
  });
  document.addEventListener("submit", (event) => {
    if (!saves(event.target)) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(event.target, event.submitter)).toString();
    if (event.submitter?.value === "undo" || ready(event.target)) send(event.target, body);
  });

  const show = (place) => {
    question = document.getElementById(`question-${place}`) || question;
    question?.focus();
    question?.scrollIntoView({ block: "start" });
  };
  const field = (kinds) => kinds.map((kind) => one(`form[id^="${kind}-"] [name="value"]`, question || one("#whole") || document)).find(Boolean);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.activeElement.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const link = { j: "a[rel=next], a[data-next]", k: "a[rel=prev]" }[event.key];
    if (link) one(link)?.click();
    else if (/^[1-9]$/.test(event.key)) show(event.key);
    else if (event.key === "e") field(["points", "scale"])?.focus();
    else if (event.key === "c") field(["comment"])?.focus();
    else if (event.key === "?") one("#help").open = !one("#help").open;
    else return;
    event.preventDefault();
  });
})();
