/**
 * From the policy keys of a route to a `CompiledPolicy`: pure, made once for each configuration.
 *
 * What is where: `policy-language.ts` the grammar, `shorthand.ts` the route keys that stand for a policy,
 * `criteria.ts` what can be asked, `judge.ts` how answers become a decision.
 *
 * @module
 */
import type { CompiledPolicy } from './decision.ts'
import { judgeBy } from './judge.ts'
import { readPolicy } from './policy-language.ts'
import type { Path, PolicyProblem } from './problem.ts'
import { type PolicySource, readShorthands } from './shorthand.ts'

export type { PolicySource } from './shorthand.ts'

export type Compilation =
  | { readonly policy: CompiledPolicy; readonly problems?: undefined }
  | { readonly policy?: undefined; readonly problems: readonly PolicyProblem[] }

/**
 * A route without any policy key compiles too, to a policy that lets nobody in. All problems are told at
 * once, each with its path in the route.
 */
export function compilePolicy(source: PolicySource): Compilation {
  const problems: PolicyProblem[] = []
  const report = (path: Path, message: string) => {
    problems.push({ path: [...path], message })
  }
  const shorthands = readShorthands(source, report)
  const written = source.policy === undefined ? [] : readPolicy(source.policy, ['policy'], report)
  const blocks = [...shorthands, ...written]
  if (problems.length > 0) return { problems }

  const kinds = blocks.flatMap((block) => block.criteria.map(({ kind }) => kind))
  return {
    policy: {
      reads: new Set(kinds.flatMap(({ reads }) => reads ?? [])),
      readsSubject: kinds.some(({ readsSubject }) => readsSubject === true),
      mentionedGroups: [
        ...new Set(blocks.flatMap(({ criteria }) => criteria.flatMap((each) => each.mentionedGroups))),
      ],
      needsHeaders: [...new Set(kinds.flatMap(({ needsHeaders }) => needsHeaders ?? []))],
      decide: judgeBy(blocks),
    },
  }
}
