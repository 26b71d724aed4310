// The player at the foot of the page.

function buildTransport(clock) {
  const scrub = find("scrub");
  scrub.max = clock.frames - 1;
  scrub.addEventListener("input", () => clock.seek(Number(scrub.value)));
  find("play").addEventListener("click", clock.toggle);
  find("step-back").addEventListener("click", () => clock.step(-1));
  find("step-on").addEventListener("click", () => clock.step(1));
  find("speed").addEventListener("change", (event) => (clock.rate = Number(event.target.value)));
  find("loop").addEventListener("click", () => {
    clock.looping = !clock.looping;
    find("loop").setAttribute("aria-pressed", clock.looping);
  });
  buildSoundButton(clock);

  const total = sayTime(clock.frames / clock.fps);
  let wasPlaying = null;
  const show = () => {
    scrub.value = clock.frame;
    scrub.style.setProperty("--done", clock.frames > 1 ? clock.frame / (clock.frames - 1) : 1);
    find("time").textContent = `${sayTime(clock.frame / clock.fps)} / ${total}`;
    find("frame").textContent = `frame ${clock.frame + 1} / ${clock.frames}`;
    scrub.setAttribute("aria-valuetext", `frame ${clock.frame + 1}`);
    if (clock.playing !== wasPlaying) {
      wasPlaying = clock.playing;
      find("play").classList.toggle("is-playing", wasPlaying);
      find("play").setAttribute("aria-label", wasPlaying ? "Pause" : "Play");
    }
  };
  clock.listen(show);
  show();
  find("transport").hidden = false;
}

function buildSoundButton(clock) {
  const button = find("sound");
  button.hidden = data.sounds.length === 0;
  button.title = data.sounds.length === 1 ? "Hear the recording" : "Hear the recording of the video that is pointed at";
  // Browsers let sound begin only with a click: this one.
  button.addEventListener("click", () => change({ sound: !state.sound }));
  watch(["sound"], () => button.setAttribute("aria-pressed", state.sound));
  createSounds(clock);
}

/** Seconds as m:ss.hh. */
function sayTime(seconds) {
  const hundredths = Math.round(seconds * 100);
  const rest = hundredths % 6000;
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(hundredths / 6000)}:${two(Math.floor(rest / 100))}.${two(rest % 100)}`;
}
