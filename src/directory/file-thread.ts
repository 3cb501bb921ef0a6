/**
 * What runs in the thread that reads a long directory file.
 *
 * @module
 */
import { workerData } from 'node:worker_threads'
import { answerWith } from '../outbound/read-aside.ts'
import { type FileRequest, rowsOfFile } from './file-source.ts'

const request: FileRequest = workerData
answerWith(rowsOfFile(request), ({ group }) => 1 + (group?.people.length ?? 0) / 4)
