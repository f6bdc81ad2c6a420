// Reading codes through the camera: the browser's own BarcodeDetector where it knows the formats
// we need, else the wasm reader from static/vendor, fetched only then.

const FORMATS = ["qr_code", "code_128", "ean_13", "ean_8", "upc_a", "upc_e", "data_matrix", "itf"];
const EVERY_MS = 90; // between two looks: quick for the eye, cool for an old phone
const FORGET_MS = 1500; // a code out of sight this long counts again
const LONGEST_SIDE = 1280; // of the picture that is looked at

const CAMERA_ERRORS = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};

/**
 * Why there is no scanning. `code` is one of: insecure_context (not https), camera_unsupported,
 * camera_denied, no_camera, camera_busy, camera_lost (unplugged while scanning),
 * reader_unavailable (the wasm reader could not be fetched), closed (given up by the caller).
 */
export class ScannerError extends Error {
  constructor(code, options) {
    super(code, options);
    this.name = "ScannerError";
    this.code = code;
  }
}

/**
 * Show the back camera in `video` and call `onCode(text, {format, source: "camera"})`.
 *
 * @param {HTMLVideoElement} video
 * @param {object} options
 * @param {(text: string, how: {format: string, source: "camera"}) => void} options.onCode
 * @param {(error: ScannerError) => void} [options.onError] for what goes wrong after opening
 * @param {string[]} [options.formats] names of the Barcode Detection API
 * @param {HTMLElement} [options.torchButton] shown only where the camera has a light
 * @param {boolean} [options.continuous] keep going; a code held in view counts once
 * @param {AbortSignal} [options.abort] gives up, also while the permission question is open
 * @param {string | URL} [options.detectorUrl] address of barcode-detector.js
 * @param {string | URL} [options.wasmUrl] address of zxing_reader.wasm
 * @returns {Promise<{stop: () => void, reader: "native" | "wasm"}>}
 * @throws {ScannerError}
 */
export async function openScanner(video, options) {
  const { onCode, onError, torchButton, continuous = false, abort } = options;
  if (!globalThis.isSecureContext) throw new ScannerError("insecure_context");
  if (!navigator.mediaDevices?.getUserMedia) throw new ScannerError("camera_unsupported");
  if (abort?.aborted) throw new ScannerError("closed");

  const opening = openCamera();
  let found;
  try {
    found = await findReader(options);
  } catch (error) {
    opening.then(close, () => {}); // a camera that opens all the same goes dark again
    throw error;
  }
  const stream = await opening;
  const [track] = stream.getVideoTracks();
  let stopped = false;

  function stop() {
    if (stopped) return;
    stopped = true;
    close(stream);
    if (video.srcObject === stream) video.srcObject = null;
    if (torchButton) torchButton.hidden = true;
    torchButton?.removeEventListener("click", toggleTorch);
    abort?.removeEventListener("abort", stop);
  }

  function fail(error) {
    if (stopped) return;
    stop();
    onError?.(error);
  }

  async function toggleTorch() {
    const lit = torchButton.getAttribute("aria-pressed") !== "true";
    try {
      await track.applyConstraints({ advanced: [{ torch: lit }] });
      torchButton.setAttribute("aria-pressed", String(lit));
    } catch {
      torchButton.hidden = true; // the light is taken or was never there
    }
  }

  if (abort?.aborted) {
    stop();
    throw new ScannerError("closed");
  }
  abort?.addEventListener("abort", stop);
  track.addEventListener("ended", () => fail(new ScannerError("camera_lost")));
  video.muted = true;
  video.playsInline = true; // iOS would open its own full-screen player
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    const closed = stopped;
    stop();
    throw new ScannerError(closed ? "closed" : "camera_busy", { cause: error });
  }
  const able = track.getCapabilities?.() ?? {};
  if (able.focusMode?.includes("continuous")) {
    track.applyConstraints({ advanced: [{ focusMode: "continuous" }] }).catch(() => {});
  }
  if (torchButton) {
    torchButton.hidden = !able.torch;
    torchButton.setAttribute("aria-pressed", "false");
    torchButton.addEventListener("click", toggleTorch);
  }
  look(video, found.detector, () => stopped, fail, (seen) => {
    if (!continuous) stop();
    onCode(seen.rawValue, { format: seen.format, source: "camera" });
  });
  return { stop, reader: found.reader };
}

async function openCamera() {
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: {
        facingMode: { ideal: "environment" },
        width: { ideal: 1280 },
        height: { ideal: 720 },
      },
    });
  } catch (error) {
    throw new ScannerError(CAMERA_ERRORS[error.name] ?? "no_camera", { cause: error });
  }
}

function close(stream) {
  for (const track of stream.getTracks()) track.stop();
}

async function findReader({ formats = FORMATS, detectorUrl, wasmUrl }) {
  const Native = globalThis.BarcodeDetector;
  if (Native?.getSupportedFormats) {
    const known = await Native.getSupportedFormats().catch(() => []);
    if (formats.every((format) => known.includes(format))) {
      return { reader: "native", detector: new Native({ formats }) };
    }
  }
  const detectorAt = detectorUrl ?? new URL("../../vendor/barcode-detector.js", import.meta.url);
  const wasmAt = wasmUrl ?? new URL("../../vendor/zxing_reader.wasm", import.meta.url);
  try {
    const { BarcodeDetector, prepareZXingModule } = await import(detectorAt);
    await prepareZXingModule({
      overrides: { locateFile: () => String(wasmAt) },
      fireImmediately: true,
    });
    return { reader: "wasm", detector: new BarcodeDetector({ formats }) };
  } catch (error) {
    throw new ScannerError("reader_unavailable", { cause: error });
  }
}

// Look at one frame after another, never at two at once, and report each code when it comes into
// view. Of several in one frame the one nearest the middle is meant.
async function look(video, detector, isStopped, fail, report) {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const lastSeen = new Map();
  while (!isStopped()) {
    const begun = performance.now();
    if (document.visibilityState === "visible" && video.videoWidth > 0) {
      const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      pen.drawImage(video, 0, 0, canvas.width, canvas.height);
      let seen;
      try {
        seen = await detector.detect(canvas);
      } catch (error) {
        fail(new ScannerError("reader_unavailable", { cause: error }));
        return;
      }
      if (isStopped()) return;
      const now = performance.now();
      const fresh = seen.filter(({ rawValue }) => {
        const before = lastSeen.get(rawValue);
        lastSeen.set(rawValue, now);
        return rawValue !== "" && (before === undefined || now - before > FORGET_MS);
      });
      const meant = nearest(fresh, canvas.width / 2, canvas.height / 2);
      for (const other of fresh) if (other !== meant) lastSeen.delete(other.rawValue);
      if (meant) report(meant);
    }
    const rest = EVERY_MS - (performance.now() - begun);
    await new Promise((done) => setTimeout(done, Math.max(16, rest)));
  }
}

function nearest(codes, x, y) {
  const distance = ({ boundingBox: box }) =>
    Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y);
  return codes.reduce(
    (best, code) => (best && distance(best) <= distance(code) ? best : code),
    undefined,
  );
}
