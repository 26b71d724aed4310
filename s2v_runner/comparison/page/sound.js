// What is heard: the recording of the card that is pointed at, in step with the pictures.

function createSounds(clock) {
  const players = data.sounds.map(() => null);

  function wanted() {
    if (!state.sound) {
      return null;
    }
    if (data.sounds.length === 1) {
      // All the videos say the same: it need not stop between two cards.
      return 0;
    }
    const point = pointsByNumber.get(state.highlighted ?? state.selected);
    return point?.sound ?? null;
  }

  function update() {
    const audible = wanted();
    if (audible !== null) {
      players[audible] ??= openSound(data.sounds[audible]);
    }
    players.forEach((audio, index) => {
      if (audio !== null) {
        const within = clock.seconds < (audio.duration || Infinity);
        keep(audio, index === audible && clock.playing && within);
      }
    });
  }

  function keep(audio, heard) {
    if (!heard) {
      audio.pause();
      return;
    }
    audio.playbackRate = clock.rate;
    // Faster and slower, the same delay is more or less of the recording.
    if (Math.abs(audio.currentTime - clock.seconds) > DRIFT * Math.max(1, clock.rate)) {
      audio.currentTime = clock.seconds;
    }
    if (audio.paused) {
      audio.play().catch((error) => {
        if (error.name !== "AbortError") {
          change({ sound: false });
        }
      });
    }
  }

  clock.listen(update);
  watch(["sound", "highlighted", "selected"], update);
}
