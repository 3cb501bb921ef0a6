/**
 * Keys of a route to the API server of a Kubernetes cluster, which Sallyport calls by a service account that
 * speaks for the user.
 *
 * @module
 */

import { z } from 'zod'
import type { Mistake } from '../../mistake.ts'
import type { Resolver } from '../../resolver.ts'
import { secretKey } from '../../values/reference.ts'
import { Secret } from '../../values/secret.ts'
import { given, mistake, type RawKeys } from '../rule.ts'

export const kubernetes = {
  ...secretKey(
    'kubernetes_service_account_token',
    {
      description:
        'Makes this the route of a Kubernetes API server: requests go out with this bearer token and `Impersonate-User` and `Impersonate-Group` of the user. WebSockets and SPDY are let through, and timeouts are off unless set.',
    },
    {
      description: 'The same, from a file; a token that is renewed there is used at once.',
      examples: ['/var/run/secrets/kubernetes.io/serviceaccount/token'],
    },
  ),
  kubernetes_impersonate_user_claim: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Claim that becomes `Impersonate-User`; `sub` for the user id. Unset: `email`. Who has no such claim is refused.',
      examples: ['preferred_username'],
    }),
  kubernetes_impersonate_groups_claim: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Claim whose values become `Impersonate-Group`. Unset: the groups of the user.',
      examples: ['roles'],
    }),
}

type KubernetesKeys = z.output<z.ZodObject<typeof kubernetes>>

/** What of the other keys of a route these go together with. */
interface KubernetesRoute {
  readonly to?: readonly { readonly scheme: string }[] | undefined
  readonly set_request_headers?: Readonly<Record<string, string>> | undefined
  readonly allow_public_unauthenticated_access?: boolean | undefined
  readonly cors_allow_preflight?: boolean | undefined
}

const TOKEN_KEYS = ['kubernetes_service_account_token', 'kubernetes_service_account_token_file'] as const

/** Visible ASCII, as a header takes it. */
const TOKEN = /^[\x21-\x7e]+$/

export function readKubernetes(keys: KubernetesKeys, resolver: Resolver) {
  return {
    /** With it this is the route of a Kubernetes API. */
    kubernetes_service_account_token: tokenFrom(keys, resolver),
  }
}

function tokenFrom(keys: KubernetesKeys, resolver: Resolver): Secret | undefined {
  const found = resolver.either(keys, 'kubernetes_service_account_token')
  if (found === undefined) return undefined
  const token = found.text.trim()
  return TOKEN.test(token) ? Secret.of(token) : resolver.fail(found.path, 'is not a bearer token')
}

/** Everybody whom a route lets in without a name would act with the power of the service account itself. */
function isForUsersOnly(route: KubernetesRoute): Mistake[] {
  return (['allow_public_unauthenticated_access', 'cors_allow_preflight'] as const)
    .filter((key) => route[key] === true)
    .map((key) =>
      mistake(
        [key],
        'cannot stand on the route of a Kubernetes API: whoever is not signed in has no name there',
      ),
    )
}

/** Beside those that the token's own key sets; see upstream-headers.ts. */
function setsIdentityItself(route: KubernetesRoute): Mistake[] {
  return Object.keys(route.set_request_headers ?? {})
    .filter((name) => /^impersonate-(?!user$|group$)/i.test(name))
    .map((name) =>
      mistake(
        ['set_request_headers', name],
        'is set by the route of a Kubernetes API itself; remove it here',
      ),
    )
}

export function kubernetesMistakes(route: KubernetesRoute, raw: RawKeys): Mistake[] {
  const [token] = given(raw, TOKEN_KEYS)
  if (token === undefined) {
    return given(raw, ['kubernetes_impersonate_user_claim', 'kubernetes_impersonate_groups_claim']).map(
      (key) =>
        mistake(
          [key],
          'needs `kubernetes_service_account_token` or `kubernetes_service_account_token_file` beside it',
        ),
    )
  }
  if (given(raw, ['to']).length === 0) return [mistake([token], 'needs the API server under `to`')]
  const isHttp2Only = route.to?.[0]?.scheme === 'h2c'
  return [
    ...(isHttp2Only
      ? [
          mistake(
            [token],
            'needs an upstream that speaks HTTP/1.1: use http:// or https:// in `to`, not h2c://',
          ),
        ]
      : []),
    ...isForUsersOnly(route),
    ...setsIdentityItself(route),
  ]
}
