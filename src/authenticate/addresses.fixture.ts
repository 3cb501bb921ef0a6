/** Where things are in the world of the tests. */
export const AUTHENTICATE = 'https://authenticate.example.com'
export const APP = 'https://app.example.com'
export const IDP = 'https://idp.test'
