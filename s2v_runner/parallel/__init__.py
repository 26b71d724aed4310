"""One video by several processes, and many videos by several workers: who does what, who starts whom, who watches."""
