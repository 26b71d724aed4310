// One clock for everything that moves: the longest mosaic goes ahead, the others and the sounds keep to it.

const DRIFT = 0.06; // seconds that may lie between two before one is set right

function createClock(mosaics, take) {
  const lead = mosaics.reduce((one, other) => (other.frames / other.fps > one.frames / one.fps ? other : one));
  const { fps, frames } = lead;
  const listeners = [];
  const targets = mosaics.map(() => null); // where each video was last sent
  let frame = 0;
  let wanted = null; // a frame that has been asked for and is not there yet
  let playing = false;
  let looping = true;

  const tell = () => listeners.forEach((listener) => listener());
  // The middle of a frame: rounding then never shows its neighbour.
  const timeOf = (mosaic, number) => Math.min((number + 0.5) / fps, (mosaic.frames - 0.5) / mosaic.fps);

  function seek(number) {
    wanted = clamp(Math.round(number), 0, frames - 1);
    frame = wanted;
    mosaics.forEach(send);
    tell();
  }

  /** Send a video to the wanted frame. While it is on its way it is left alone; when it arrives it is sent on. */
  function send(mosaic, index) {
    const { video } = mosaic;
    if (wanted === null || video.seeking) {
      return;
    }
    const target = timeOf(mosaic, wanted);
    if (Math.abs(video.currentTime - target) > 1e-4) {
      targets[index] = target;
      video.currentTime = target;
    } else {
      settle();
    }
  }

  function arrive(mosaic, index) {
    take(index);
    if (wanted !== null && Math.abs(targets[index] - timeOf(mosaic, wanted)) > 1e-4) {
      send(mosaic, index);
    } else {
      settle();
    }
  }

  function settle() {
    if (mosaics.every(({ video }) => !video.seeking)) {
      wanted = null;
    }
  }

  /** Start those that stand and have something left. One that has ended would start over. */
  function start() {
    for (const mosaic of mosaics) {
      const left = (frame + 0.5) / fps < (mosaic.frames - 0.5) / mosaic.fps;
      if (mosaic.video.paused && (mosaic === lead || left)) {
        mosaic.video.play().catch((error) => {
          // An AbortError is a pause that came before the start.
          if (error.name !== "AbortError") {
            pause();
          }
        });
      }
    }
  }

  function play() {
    if (frame === frames - 1) {
      seek(0);
    }
    playing = true;
    start();
    tell();
  }

  function pause() {
    playing = false;
    mosaics.forEach(({ video }) => video.pause());
    // All on the same frame.
    seek(frame);
  }

  function end() {
    if (playing && looping) {
      seek(0);
      start();
    } else if (playing) {
      pause();
    }
  }

  /** A picture of the lead is there. */
  function advance(seconds) {
    if (wanted === null) {
      frame = clamp(Math.round(seconds * fps), 0, frames - 1);
    }
    if (playing) {
      keepTogether();
    }
    tell();
  }

  function keepTogether() {
    for (const { video } of mosaics) {
      const away = Math.abs(video.currentTime - lead.video.currentTime);
      if (video !== lead.video && !video.ended && !video.seeking && away > DRIFT && !lead.video.seeking) {
        video.currentTime = Math.min(lead.video.currentTime, video.duration);
      }
    }
    start();
  }

  function follow(mosaic, index) {
    const { video } = mosaic;
    video.addEventListener("seeked", () => arrive(mosaic, index));
    if (video.requestVideoFrameCallback) {
      const present = (_, { mediaTime }) => {
        take(index);
        if (mosaic === lead) {
          advance(mediaTime);
        }
        video.requestVideoFrameCallback(present);
      };
      video.requestVideoFrameCallback(present);
      return;
    }
    const look = () => {
      if (playing) {
        take(index);
        if (mosaic === lead) {
          // The start of the frame that is shown, as the callback would give it.
          advance(Math.floor(video.currentTime * fps + 1e-3) / fps);
        }
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  mosaics.forEach(follow);
  lead.video.addEventListener("ended", end);
  return {
    fps,
    frames,
    get frame() {
      return frame;
    },
    get playing() {
      return playing;
    },
    get looping() {
      return looping;
    },
    set looping(value) {
      looping = value;
    },
    get rate() {
      return lead.video.playbackRate;
    },
    set rate(value) {
      mosaics.forEach(({ video }) => (video.playbackRate = value));
      tell();
    },
    /** Where the sounds should be, in seconds. */
    get seconds() {
      return wanted === null ? lead.video.currentTime : frame / fps;
    },
    play,
    pause,
    toggle: () => (playing ? pause() : play()),
    seek,
    step(by) {
      if (playing) {
        pause();
      }
      seek(frame + by);
    },
    listen: (listener) => listeners.push(listener),
  };
}
