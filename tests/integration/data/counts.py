"""Prints a line ten times a second, and ends as the arguments say: how many lines, and the exit code."""

import sys
import time

for number in range(int(sys.argv[1])):
    print("line", number, flush=True)
    time.sleep(0.1)
sys.exit(int(sys.argv[2]))
