// Tells the server that a page was opened, quietly; without this script the button does the same.

const form = document.querySelector("[data-scan-note]");

function note() {
  const said = new FormData(form);
  said.append("quiet", "1");
  navigator.sendBeacon?.(form.action, said);
}

// A page that is only fetched ahead, or opened in the background, was seen by nobody yet.
if (form) {
  if (document.visibilityState === "visible") note();
  else document.addEventListener("visibilitychange", note, { once: true });
}
