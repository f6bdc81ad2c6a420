// The till's three answers for ears and hands: go is one high tone, slow two middle ones, stop a
// long low one, so that a clerk knows without looking. Silent where the device cannot.

const SOUNDS = {
  // [from second, for seconds, hertz]
  go: { tones: [[0, 0.09, 1320]], shape: "sine", shake: [40] },
  slow: { tones: [[0, 0.12, 740], [0.18, 0.12, 740]], shape: "triangle", shake: [60, 60, 60] },
  stop: { tones: [[0, 0.5, 196]], shape: "square", shake: [250, 80, 250] },
};
const LOUDNESS = 0.25;

let audio = null;

/** Browsers let a page sound only after it was touched once: call this from any press. */
export function wakeSound() {
  const Audio = globalThis.AudioContext ?? globalThis.webkitAudioContext;
  if (!Audio) return null;
  audio ??= new Audio();
  // a refused resume only means silence, which the colours on the screen make up for
  if (audio.state === "suspended") audio.resume().catch(() => {});
  return audio;
}

/**
 * Sound and shake one answer.
 * @param {"go" | "slow" | "stop"} answer
 */
export function signal(answer) {
  const { tones, shape, shake } = SOUNDS[answer];
  // Chromium logs an error for vibrating before the first touch
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(shake);
  const context = wakeSound();
  if (!context) return;
  for (const [after, length, hertz] of tones) {
    const begin = context.currentTime + after;
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.type = shape;
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.008);
    gain.gain.setValueAtTime(LOUDNESS, begin + length - 0.02);
    gain.gain.linearRampToValueAtTime(0, begin + length); // no click at the end
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + length);
  }
}
