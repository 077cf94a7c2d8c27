package io.holdfast.runtime.jetstream;

import java.time.Duration;
import java.util.List;

/**
 * What a broker says of itself and of our streams, for {@code doctor}: settings, not traffic.
 *
 * @param serverVersion as the server gives it
 * @param maxPayload bytes that one message may have
 * @param authRequired whether a client has to say who it is
 * @param tlsRequired whether the connection is encrypted
 * @param cluster the cluster's name; empty for a single server
 * @param problems what differs from what the promises need, one sentence each
 */
public record Inspection(
    String serverVersion,
    long maxPayload,
    boolean authRequired,
    boolean tlsRequired,
    String cluster,
    List<StreamSize> streams,
    List<ConsumerLimits> consumers,
    List<String> problems) {

  /**
   * @param name with its namespace
   * @param bytes that it holds
   * @param maxBytes at which it refuses more
   */
  public record StreamSize(String name, int replicas, long bytes, long maxBytes) {}

  /**
   * @param ackWait after which the broker delivers again what nobody settled or kept alive
   * @param maxAckPending deliveries that may be unsettled at a time
   */
  public record ConsumerLimits(String name, Duration ackWait, long maxAckPending) {}
}
