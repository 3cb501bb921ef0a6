/**
 * What runs in the thread that reads a long table of records.
 *
 * @module
 */
import { workerData } from 'node:worker_threads'
import { answerWith } from '../outbound/read-aside.ts'
import { readKeyedRows, type TableForm } from './record-table.ts'

const { bytes, ...form }: Pick<TableForm, 'format' | 'keyField'> & { readonly bytes: Uint8Array } = workerData
answerWith(
  readKeyedRows(Buffer.from(bytes).toString('utf8'), form),
  ({ row }) => 1 + Object.keys(row).length / 4,
)
