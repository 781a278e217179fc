/** traffic: says what share of requests each version gets, in the objects of a data plane. It must not know releases' phases. */
export * from './port.ts'
