/**
 * What runs in the thread that parses a long configuration.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import { CHECKS_AND_TESTS } from './access/config-checks.ts'
import { movedWith, Packing } from './config/file/config-parcel.ts'
import { FileParser } from './config/file/file-parser.ts'
import { answerWith, type ThreadRequest } from './config/file/thread-parser.ts'

const packing = new Packing()
const parser = new FileParser(String(workerData), { ...CHECKS_AND_TESTS, env: process.env })
const answer = answerWith(parser, (config) => packing.pack(config))

parentPort?.on('message', (request: ThreadRequest) => {
  const answered = answer(request)
  parentPort?.postMessage(answered, answered.kind === 'config' ? [...movedWith(answered.parcel)] : [])
})
