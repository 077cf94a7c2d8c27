package io.holdfast.launcher.chaos;

import java.util.Locale;

/** A way to break something. */
public enum FaultKind {
  /** SIGKILL of a service, the gateway or the broker, which is started again. */
  KILL,
  /** SIGSTOP of one of them for a while: it holds its connections and says nothing. */
  PAUSE,
  /** SIGTERM of a service, which drains and is started again, as a deployment does. */
  DEPLOY,
  /** The gateway answers 503 to everything. */
  OUTAGE,
  /** The gateway takes its time. */
  SLOW,
  /** The gateway charges and drops the connection, hangs, or fails. */
  DROP,
  /** A service's acknowledgements get lost, so that it is given messages again. */
  DUPLICATE,
  /** Nothing comes through between a service and the broker, and nobody is told. */
  PARTITION,
  /** Three brokers instead of one, of which one at a time is killed or paused. */
  CLUSTER;

  /** As it is written on the command line. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
