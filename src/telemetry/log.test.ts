import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { createLogger } from './log.ts'

describe('the log', () => {
  it('is one line of JSON per message, with its level as a word and an ISO time', () => {
    const lines: string[] = []
    const { logger } = createLogger({
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    })
    logger.info({ path: '/a\nb' }, 'http-request')
    logger.debug('not this one')
    assert.equal(lines.length, 1)
    const [line = ''] = lines
    assert.equal(line.indexOf('\n'), line.length - 1)
    const { time, ...rest }: Record<string, unknown> = JSON.parse(line)
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepEqual(rest, { level: 'info', path: '/a\nb', msg: 'http-request' })
  })

  it('tells a fault by code and sentence, and a bug with its stack', () => {
    const lines: string[] = []
    const { logger } = createLogger({
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    })
    logger.error(
      { err: new Fault('IDP_UNREACHABLE', 'no answer', { cause: new Error('refused') }) },
      'sign-in',
    )
    logger.error({ err: new TypeError('a bug') }, 'sign-in')
    const [fault, bug] = lines.map((line): { err: { stack?: string } } => JSON.parse(line))
    assert.deepEqual(fault?.err, { code: 'IDP_UNREACHABLE', message: 'no answer', cause: 'refused' })
    assert.match(bug?.err.stack ?? '', /TypeError: a bug\n\s+at /)
  })
})
