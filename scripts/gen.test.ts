import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { CRITERIA_SECTIONS } from '../src/policy/criteria/criteria.ts'

const ROOT = join(import.meta.dirname, '..')

it('the JSON Schema and the reference pages are what the source says', () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'gen.ts'), '--check'], { stdio: 'pipe' })
})

it('every key of the JSON Schema is described', () => {
  const undescribed = (schema: unknown, path: string): string[] => {
    if (typeof schema !== 'object' || schema === null) return []
    return Object.entries(schema).flatMap(([key, value]) => {
      if (key !== 'properties') return undescribed(value, `${path}/${key}`)
      return Object.entries(value as Readonly<Record<string, { description?: string }>>).flatMap(
        ([name, property]) => [
          ...(property.description === undefined ? [`${path}/${name}`] : []),
          ...undescribed(property, `${path}/${name}`),
        ],
      )
    })
  }
  const schema: unknown = JSON.parse(readFileSync(join(ROOT, 'config.schema.json'), 'utf8'))
  assert.deepEqual(undescribed(schema, ''), [])
})

it('the JSON Schema knows every criterion', () => {
  const { $defs } = JSON.parse(readFileSync(join(ROOT, 'config.schema.json'), 'utf8')) as {
    $defs: { PolicyCriterion: Record<'properties' | 'patternProperties', Record<string, unknown>> }
  }
  const { properties, patternProperties } = $defs.PolicyCriterion
  const names = CRITERIA_SECTIONS.flatMap(({ kinds }) => Object.keys(kinds))
  const known = [...Object.keys(properties), ...Object.keys(patternProperties).map((key) => key.slice(1, -2))]
  assert.deepEqual(known.toSorted(), names.toSorted())
})
