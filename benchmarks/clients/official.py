"""Uploads one file with the official Python client. Argument: FILE."""

import os
import sys

import apivideo
from apivideo.api.videos_api import VideosApi
from apivideo.configuration import Configuration

url = os.environ["APIVIDEO_BASE_URL"]
trusted = os.environ["SSL_CERT_FILE"] if url.startswith("https") else None
settings = Configuration(ssl_ca_cert=trusted)
client = apivideo.AuthenticatedApiClient(os.environ["APIVIDEO_API_KEY"], configuration=settings)
client.configuration.host = url
client.connect()
videos = VideosApi(client)
with open(sys.argv[1], "rb") as handle:
    videos.upload(videos.create({"title": "bench"}).video_id, handle)
