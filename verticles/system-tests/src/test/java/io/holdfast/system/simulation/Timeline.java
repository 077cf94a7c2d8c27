package io.holdfast.system.simulation;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * What is under way, and the only thread there is. Each step takes a millisecond of a time that is
 * not the real one; which of the steps under way comes next is a choice, as between processes and
 * networks nothing says. When nothing is under way, time passes to the next timer.
 */
final class Timeline {

  private static final long BEGIN = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  private static final long[] SLOW_MILLIS = {20, 200, 7_000, 40_000};

  private final Choices choices;
  private final Faults faults;
  private final List<Runnable> underWay = new ArrayList<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private List<String> story;
  private long now;
  private long order;
  private int steps;

  private record Timer(long at, long order, Runnable step) implements Comparable<Timer> {
    @Override
    public int compareTo(Timer other) {
      int byTime = Long.compare(at, other.at);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  Timeline(Choices choices, Faults faults) {
    this.choices = choices;
    this.faults = faults;
  }

  /** From now on, what happens is written down. */
  void tell() {
    story = new ArrayList<>();
  }

  boolean told() {
    return story != null;
  }

  List<String> story() {
    return story == null ? List.of() : story;
  }

  /** Writes down what happens; call it only if {@link #told()}. */
  void note(String who, String what) {
    story.add("%8d ms  %-16s %s".formatted(now, who, what));
  }

  /** Something under way that arrives in its own time. */
  void soon(Runnable step) {
    if (faults.happensRarely(Fault.SLOW)) {
      after(SLOW_MILLIS[choices.next(SLOW_MILLIS.length)], step);
    } else {
      underWay.add(step);
    }
  }

  /** Something that waits so long before it is under way. */
  void after(long millis, Runnable step) {
    timers.add(new Timer(now + millis, order++, step));
  }

  /** Takes one step; false if there is nothing left to do. */
  boolean step() {
    if (underWay.isEmpty() && timers.isEmpty()) {
      return false;
    }
    now = underWay.isEmpty() ? Math.max(now + 1, timers.peek().at()) : now + 1;
    while (!timers.isEmpty() && timers.peek().at() <= now) {
      underWay.add(timers.poll().step());
    }
    steps++;
    underWay.remove(choices.next(underWay.size())).run();
    return true;
  }

  int steps() {
    return steps;
  }

  Instant instant() {
    return Instant.ofEpochMilli(BEGIN + now);
  }

  /** This time as the flows see it. */
  Clock clock() {
    return new Clock() {
      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return Timeline.this.instant();
      }
    };
  }
}
