// Uploads one file with the official Node client. Argument: FILE.
const ApiVideoClient = require("@api.video/nodejs-client");

const client = new ApiVideoClient({ apiKey: process.env.APIVIDEO_API_KEY, baseUri: process.env.APIVIDEO_BASE_URL });

client.videos
  .create({ title: "bench" })
  .then((video) => client.videos.upload(video.videoId, process.argv[2]))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
