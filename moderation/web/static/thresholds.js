// The explorer follows the slider; what a threshold means is worked out by the server alone.
const form = document.getElementById("explore");
const percent = form.elements.percent;
const slider = document.getElementById("slider");
const PAUSE = 120;
let timer;
let asked = 0;

async function show() {
  if (!form.reportValidity()) return;
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const turn = ++asked;
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || answer.redirected) return form.submit(); // the page itself says what is wrong
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (turn !== asked) return; // a newer question is on its way
  const explored = page.getElementById("explored");
  document.getElementById("explored").replaceWith(explored);
  document.getElementById("announcements").textContent = explored.dataset.announcement;
  history.replaceState(null, "", address);
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
}

slider.hidden = false;
slider.addEventListener("input", () => {
  percent.value = slider.value;
  soon();
});
percent.addEventListener("input", () => {
  slider.value = percent.value;
  soon();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
