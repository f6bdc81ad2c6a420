// The look-up page's camera: what it reads goes into the form, and the form goes on its way.

const button = document.querySelector("[data-scan]");
const viewer = document.querySelector("#viewer");
const said = document.querySelector("#scan-said");
const field = document.querySelector("#code");
let scanner;

function close() {
  scanner?.stop();
  scanner = undefined;
  viewer.hidden = true;
  button.disabled = false;
}

async function open() {
  button.disabled = true;
  viewer.hidden = false;
  said.textContent = said.dataset.looking;
  try {
    const { openScanner } = await import(button.dataset.reader);
    scanner = await openScanner(viewer.querySelector("video"), {
      detectorUrl: new URL(button.dataset.detector, location.href),
      wasmUrl: new URL(button.dataset.wasm, location.href),
      onError: fail,
      onCode(text) {
        close();
        field.value = text;
        field.form.requestSubmit();
      },
    });
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  close();
  said.textContent = error.code === "camera_denied" ? said.dataset.denied : said.dataset.missing;
  field.focus();
}

if (navigator.mediaDevices?.getUserMedia) {
  button.hidden = false;
  button.addEventListener("click", open);
  viewer.querySelector("[data-stop]").addEventListener("click", () => {
    close();
    said.textContent = "";
    button.focus();
  });
}
