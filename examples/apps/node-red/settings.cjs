// Loopback only: requests come through the proxy, which decides who may open the editor.
module.exports = {
  uiHost: '127.0.0.1',
  uiPort: process.env.PORT || 3000,
  flowFile: 'flows.json',
  // Credentials in flows are encrypted by it: choose a long random text.
  credentialSecret: process.env.NODE_RED_SECRET || false,
}
