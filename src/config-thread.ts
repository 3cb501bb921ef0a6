/**
 * What runs in the thread that parses a long configuration.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import { CHECKS_AND_TESTS } from './access/config-checks.ts'
import { Packing } from './config/file/config-parcel.ts'
import { FileParser } from './config/file/file-parser.ts'
import { answerWith, type ThreadRequest } from './config/file/thread-parser.ts'

const packing = new Packing()
const parser = new FileParser(String(workerData), { ...CHECKS_AND_TESTS, env: process.env })
const answer = answerWith(parser, (config) => packing.pack(config))

parentPort?.on('message', (request: ThreadRequest) => {
  const answered = answer(request)
  // Moved and not copied: copying would take its time on both sides.
  const moved = answered.kind === 'config' ? [answered.parcel.bodies.buffer] : []
  parentPort?.postMessage(answered, moved)
})
