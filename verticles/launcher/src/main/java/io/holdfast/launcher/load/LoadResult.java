package io.holdfast.launcher.load;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;

/**
 * What came of a load. All but the promises is of customers who came after the warm-up.
 *
 * @param seconds from when the first customer was due to the last answer
 * @param due customers that came
 * @param unsent of these, those whose request could not be sent until the end
 * @param heldBack requests that had to wait for a connection, as all that are allowed were in use;
 *     their latency counts from when they were due
 * @param late requests that were sent more than {@link #LATE_MICROS} after they were due, though
 *     there was a connection: this machine was too busy to send them
 * @param answered requests that got an answer of any kind, or failed
 * @param errors requests that were not accepted, by kind
 * @param accept from when a request was due to its 202
 * @param refused from when a request was due to when it was refused or had failed
 * @param wire from when it was sent to its 202; leaves out the waits before
 * @param confirmed from when a request was due to when its order was confirmed
 * @param end from when a request was due to when its customer was told
 * @param followed accepted orders whose end could be known
 * @param endSeconds from when the first customer was due to the last end; 0 if no end is known
 * @param doneInTime orders that came to their end while customers came
 * @param windowSeconds how long customers came
 * @param behind orders that were due or under way when the last customer had come
 * @param promised orders that were accepted, the warm-up's included
 * @param unfinished those of them that did not come to their end in time, though they were followed
 */
public record LoadResult(
    double seconds,
    long due,
    long unsent,
    long heldBack,
    long late,
    long answered,
    long accepted,
    Map<String, Long> errors,
    Latency accept,
    Latency refused,
    Latency wire,
    Latency confirmed,
    Latency end,
    long followed,
    long confirmedCount,
    long cancelledCount,
    long done,
    double endSeconds,
    long doneInTime,
    double windowSeconds,
    long behind,
    long promised,
    List<String> unfinished) {

  static final long LATE_MICROS = 5_000;

  public double acceptedPerSecond() {
    return seconds == 0 ? 0 : accepted / seconds;
  }

  /** From the first customer to the last end: no order's end is left out. */
  public double ordersPerMinute() {
    return endSeconds == 0 ? 0 : done * 60 / endSeconds;
  }

  /** Ends while customers came: what a system under all the load it takes keeps up. */
  public double sustainedPerMinute() {
    return windowSeconds == 0 ? 0 : doneInTime * 60 / windowSeconds;
  }

  public long errorCount() {
    return errors.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Of the customers that came, how many were not served. */
  public double errorShare() {
    return due == 0 ? 0 : (double) (errorCount() + unsent) / due;
  }

  public JsonObject json() {
    JsonObject byKind = new JsonObject();
    errors.forEach(byKind::put);
    return new JsonObject()
        .put("seconds", seconds)
        .put("due", due)
        .put("unsent", unsent)
        .put("held_back", heldBack)
        .put("sent_late", late)
        .put("answered", answered)
        .put("accepted", accepted)
        .put("accepted_per_second", acceptedPerSecond())
        .put("orders_per_minute_end_to_end", ordersPerMinute())
        .put("orders_per_minute_sustained", sustainedPerMinute())
        .put("errors", byKind)
        .put("accept", accept.json())
        .put("refused", refused.json())
        .put("accept_from_sending", wire.json())
        .put("confirmed", confirmed.json())
        .put("end", end.json())
        .put("followed", followed)
        .put("orders_confirmed", confirmedCount)
        .put("orders_cancelled", cancelledCount)
        .put("orders_done", done)
        .put("behind", behind)
        .put("promised", promised)
        .put("unfinished", new JsonArray(unfinished));
  }
}
