/** Where a pod runs; parts that nobody named are empty. */
export interface Locality {
  readonly region: string
  readonly zone: string
  readonly subZone: string
}
