/**
 * The policy language as JSON Schema, so that editors complete and explain it. What a criterion's data may be
 * is left to `sallyport validate`, which says it in sentences.
 *
 * @module
 */
import type { z } from 'zod'
import { CRITERIA_SECTIONS } from '../src/policy/criteria/criteria.ts'
import type { Kind } from '../src/policy/criteria/kind.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

const REF = { rule: '#/$defs/PolicyRule', block: '#/$defs/PolicyBlock', criterion: '#/$defs/PolicyCriterion' }

/** What stands where a policy is expected. */
export const POLICY: JsonSchema[] = [{ $ref: REF.rule }, { type: 'array', items: { $ref: REF.rule } }]

const OPERATORS = {
  and: 'All of these hold.',
  or: 'One of these holds.',
  not: 'None of these holds.',
  nor: 'Not all of these hold.',
}

export function policyDefinitions(): Record<string, JsonSchema> {
  return {
    PolicyRule: {
      type: 'object',
      properties: {
        allow: { $ref: REF.block, description: 'Who may pass. Several operators in it are alternatives.' },
        deny: { $ref: REF.block, description: 'Who may not, whatever is allowed.' },
        mode: {
          enum: ['enforce', 'observe'],
          description: '`observe`: decides nothing and tells what it would do. Unset: enforce.',
        },
      },
      additionalProperties: false,
    },
    PolicyBlock: {
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(OPERATORS).map(([operator, description]) => [
          operator,
          { type: 'array', items: { $ref: REF.criterion }, description },
        ]),
      ),
      additionalProperties: false,
    },
    PolicyCriterion: criterion(),
  }
}

function criterion(): JsonSchema {
  const kinds = CRITERIA_SECTIONS.flatMap(({ kinds: each }) => Object.entries(each))
  const plain = kinds.filter(([, { subPath }]) => subPath === undefined)
  const open = kinds.filter(([, { subPath }]) => subPath !== undefined)
  return {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    properties: Object.fromEntries(plain.map(([name, kind]) => [name, described(kind)])),
    patternProperties: Object.fromEntries(open.map(([name, kind]) => [`^${name}/.`, described(kind)])),
    additionalProperties: false,
  }
}

function described({ holds, data, example }: Kind): JsonSchema {
  return { description: `Holds: ${holds}. Data: ${data}.`, examples: [example] }
}
