/** The browser is found or installed by infra/local/prepare.mjs: a download during `npm install` fails where there is no way out. */
module.exports = { skipDownload: true };
