/** The programs whose configurations are read. */
export const ORIGINS = ['oauth2-proxy', 'authelia'] as const

export type ImportOrigin = (typeof ORIGINS)[number]
