/**
 * What a sign-in must bring, as parameters of the authorization request. Pure.
 *
 * @see OpenID Connect Core section 3.1.2.1
 * @module
 */
import type { RequestedAuthentication } from '../provider.ts'

/**
 * @param usual what the provider is asked with each time; these come over it
 * @param prompts what the provider says that it can be asked
 */
export function demandParameters(
  { maxAge, acrValues = [], isForced = false, isSwitch = false }: RequestedAuthentication,
  usual: Readonly<Record<string, string>> = {},
  prompts?: unknown,
): Record<string, string> {
  return {
    ...(maxAge !== undefined && { max_age: String(Math.floor(maxAge / 1000)) }),
    ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
    ...(isSwitch && { prompt: withChoice(usual['prompt'], prompts) }),
    ...(isForced && { prompt: withLogin(usual['prompt']) }),
  }
}

const CHOICE = 'select_account'

/** Whether people can be asked which of their accounts they mean. @see Initiating User Registration 1.0 */
export function letsChoose(usual: string | undefined, prompts: unknown): boolean {
  return usual?.split(' ').includes(CHOICE) === true || (Array.isArray(prompts) && prompts.includes(CHOICE))
}

/** All providers know `login`, by the standard; those that don't know `select_account` may refuse it. */
function withChoice(usual: string | undefined, prompts: unknown): string {
  if (!letsChoose(usual, prompts)) return withLogin(usual)
  return joined([CHOICE, ...promptsOf(usual)])
}

/**
 * Beside the usual ones: without `consent` some providers give no refresh token. `none` stands alone by its
 * nature.
 */
const withLogin = (usual: string | undefined): string => joined(['login', ...promptsOf(usual)])

const promptsOf = (usual = ''): readonly string[] =>
  usual.split(' ').filter((prompt) => !/^(?:none)?$/.test(prompt))

const joined = (prompts: readonly string[]): string => [...new Set(prompts)].join(' ')
