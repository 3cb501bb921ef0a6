/**
 * Criteria about messages to MCP servers.
 *
 * @module
 */

import { textMatcher } from '../matching/matchers.ts'
import { type Criterion, hit, miss, unknown } from '../outcome.ts'
import type { CompileData, Kinds } from './kind.ts'

const MATCH = hit('mcp-tool-match')
const NO_MATCH = miss('mcp-tool-no-match')
const NO_CALL = miss('mcp-not-a-tool-call')
const UNKNOWN = unknown('mcp-tool-unknown')

export const MCP_CRITERIA: Kinds = {
  mcp_tool: {
    holds:
      'the message calls a tool (`tools/call`) whose name fits; it is unknown of a message that can’t be read, and misses everything else',
    data: 'text matcher',
    example: { in: ['search', 'read_file'] },
    reasons: ['mcp-tool-match', 'mcp-tool-no-match', 'mcp-not-a-tool-call', 'mcp-tool-unknown'],
    needs: 'mcp',
    reads: ['mcp'],
    compile: mcpTool,
  },
}

function mcpTool(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = textMatcher(data, at, report)
  return (
    matches &&
    ((_, { mcp }) => {
      if (mcp === undefined) return NO_CALL
      if (mcp === 'unknown') return UNKNOWN
      if (mcp.method !== 'tools/call') return NO_CALL
      if (mcp.tool === undefined) return UNKNOWN
      return matches(mcp.tool) ? MATCH : NO_MATCH
    })
  )
}
