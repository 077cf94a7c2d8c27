package io.holdfast.system.simulation;

/** What can go wrong, one at a time. */
enum Fault {
  /** A process dies between two steps, and is started again. */
  CRASH,
  /** A step takes far longer than all the others. */
  SLOW,
  /** A request to the broker never arrives, and its sender waits until it gives up. */
  REQUEST_LOST,
  /** A request to the broker arrives after its sender has given up waiting for an answer. */
  REQUEST_LATE,
  /** The broker does what it was asked for, and its answer is lost. */
  ANSWER_LOST,
  /** The broker cannot be asked, which is known at once. */
  DISCONNECTED,
  /** A read shows the stream as it was a moment ago. */
  STALE_READ,
  /** An acknowledgement is lost. */
  ACK_LOST,
  /** The broker forgets what was delivered and acknowledged, and delivers it as if it were new. */
  ACK_FORGOTTEN,
  /** A message is delivered again while its first delivery is still at work. */
  REDELIVERED_EARLY,
  /** A request to the gateway never arrives. */
  GATEWAY_REQUEST_LOST,
  /** A request to the gateway arrives after its sender has given up. */
  GATEWAY_REQUEST_LATE,
  /** The gateway takes or gives back money, and its answer is lost. */
  GATEWAY_ANSWER_LOST,
  /** The gateway is known to be out. */
  GATEWAY_OUT,
  /** The customer gets no answer, though all went well. */
  HTTP_ANSWER_LOST
}
