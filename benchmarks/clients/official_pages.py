"""Reads pages of 100 videos with the official Python client. Argument: COUNT.

Prints the seconds.
"""

import json
import os
import sys
import time

import apivideo
from apivideo.api.videos_api import VideosApi

client = apivideo.AuthenticatedApiClient(os.environ["APIVIDEO_API_KEY"])
client.configuration.host = os.environ["APIVIDEO_BASE_URL"]
client.connect()
videos = VideosApi(client)
# The first call connects; it is not measured.
videos.list(page_size=100)
began = time.perf_counter()
for _ in range(int(sys.argv[1])):
    videos.list(page_size=100)
print(json.dumps({"seconds": time.perf_counter() - began}))
