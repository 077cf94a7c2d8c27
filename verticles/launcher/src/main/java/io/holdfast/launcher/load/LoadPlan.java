package io.holdfast.launcher.load;

import java.time.Duration;

/**
 * What the customers do.
 *
 * @param warmUp how long they come before what they see counts; their orders are promises all the
 *     same
 * @param duration how long they come after that
 * @param most customers that come at all
 * @param connections requests under way at a time at most, as each has a connection to itself
 * @param answerLimit after which a request has no answer
 * @param endLimit after which nothing more is waited for, once no order has come to its end for so
 *     long
 */
public record LoadPlan(
    Pace pace,
    Duration warmUp,
    Duration duration,
    long most,
    int connections,
    Duration answerLimit,
    Duration endLimit) {

  private static final int CONNECTIONS = 256;
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  /** When customers come. */
  public sealed interface Pace {
    /** At even distances, whatever the system does: what people do. */
    record Open(double perSecond) implements Pace {}

    /**
     * A customer comes when another one goes: a system under all the load that it takes. Its
     * latencies say nothing about people, who do not wait for each other.
     *
     * @param orders how many are there at a time
     * @param until what a customer waits for
     */
    record Closed(int orders, Until until) implements Pace {}
  }

  /** What a customer of a closed loop waits for. */
  public enum Until {
    /** The answer to the request. */
    ANSWERED,
    /** The order's end, its notification included. */
    ENDED
  }

  /** So many a second. */
  public static LoadPlan open(double perSecond, Duration duration) {
    return of(new Pace.Open(perSecond), duration);
  }

  /** So many orders between their request and their end. */
  public static LoadPlan closed(int orders, Duration duration) {
    return of(new Pace.Closed(orders, Until.ENDED), duration);
  }

  /** So many requests under way. */
  public static LoadPlan answered(int requests, Duration duration) {
    return of(new Pace.Closed(requests, Until.ANSWERED), duration).connections(requests);
  }

  private static LoadPlan of(Pace pace, Duration duration) {
    return new LoadPlan(
        pace, Duration.ZERO, duration, Long.MAX_VALUE, CONNECTIONS, ANSWER_LIMIT, END_LIMIT);
  }

  /** The same at another rate. */
  public LoadPlan perSecond(double rate) {
    return new LoadPlan(
        new Pace.Open(rate), warmUp, duration, most, connections, answerLimit, endLimit);
  }

  public LoadPlan warmUp(Duration time) {
    return new LoadPlan(pace, time, duration, most, connections, answerLimit, endLimit);
  }

  public LoadPlan most(long customers) {
    return new LoadPlan(pace, warmUp, duration, customers, connections, answerLimit, endLimit);
  }

  public LoadPlan connections(int number) {
    return new LoadPlan(pace, warmUp, duration, most, number, answerLimit, endLimit);
  }

  public LoadPlan answerLimit(Duration limit) {
    return new LoadPlan(pace, warmUp, duration, most, connections, limit, endLimit);
  }

  public LoadPlan endLimit(Duration limit) {
    return new LoadPlan(pace, warmUp, duration, most, connections, answerLimit, limit);
  }
}
