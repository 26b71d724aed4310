"""Sound files, read from one place on."""

import soundfile


class SequentialSoundFile(soundfile.SoundFile):
    """A sound file that is not sought in after each read, as soundfile does with those that could be.

    An MP3 decoder that is sent somewhere, be it to where it is, makes some milliseconds of what was not recorded:
    it has lost what went before, which its frames build on.
    """

    def seekable(self) -> bool:
        return False
