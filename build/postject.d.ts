declare module 'postject' {
  /** Puts a resource into a program, in place. */
  export function inject(
    program: string,
    name: string,
    resource: Uint8Array,
    options: { readonly sentinelFuse: string },
  ): Promise<void>
}
