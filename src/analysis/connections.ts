import { Agent, type Dispatcher } from 'undici'

/** Kept between questions to servers that many releases ask. */
export type Connections = Dispatcher

/** More questions at once than a server takes wait here, instead of in a socket each. */
const CONNECTIONS_TO_A_SERVER = 32

export const openConnections = (): Connections => new Agent({ connections: CONNECTIONS_TO_A_SERVER, allowH2: false })
