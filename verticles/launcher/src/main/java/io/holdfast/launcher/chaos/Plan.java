package io.holdfast.launcher.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * What is broken when. The same seed, length and kinds give the same plan.
 *
 * @param faults in the order of their beginning
 */
public record Plan(List<Fault> faults) {

  /** Stands for the one broker, where there is one. */
  public static final String BROKER = "broker";

  /** The payment gateway's name. */
  public static final String GATEWAY = "gateway";

  /** The groups whose promises are tried. */
  public static final List<String> SERVICES =
      List.of("orders", "inventory", "payments", "notifications", "audit");

  /** The brokers of a cluster. */
  public static final List<String> NODES = List.of("broker-1", "broker-2", "broker-3");

  /** Until then the system may warm up; so long before the end nothing new is broken. */
  private static final long QUIET_MILLIS = 3_000;

  private static final long KILL_EVERY_MILLIS = 3_000;
  private static final long OTHER_EVERY_MILLIS = 6_000;
  private static final long MAX_DOWN_MILLIS = 1_000;
  private static final long MIN_LENGTH_MILLIS = 1_000;
  private static final long MAX_LENGTH_MILLIS = 6_000;

  /**
   * @param at after the beginning
   * @param target what it befalls
   * @param length until it is over; of a kill, until the process is started again
   */
  public record Fault(Duration at, FaultKind kind, String target, Duration length) {
    public Duration end() {
      return at.plus(length);
    }
  }

  /** Kills come in a row of their own, about every three seconds; the other kinds take turns. */
  public static Plan of(long seed, Duration length, Set<FaultKind> kinds) {
    Random dice = new Random(seed);
    List<Fault> faults = new ArrayList<>();
    Map<FaultKind, Turns> targets = new EnumMap<>(FaultKind.class);
    for (FaultKind kind : kinds) {
      targets.put(kind, new Turns(targets(kind, kinds.contains(FaultKind.CLUSTER)), dice));
    }
    long last = length.toMillis() - QUIET_MILLIS;
    if (kinds.contains(FaultKind.KILL)) {
      for (long at = QUIET_MILLIS; at <= last; at += around(KILL_EVERY_MILLIS, dice)) {
        long down = dice.nextLong(MAX_DOWN_MILLIS);
        faults.add(fault(at, FaultKind.KILL, targets.get(FaultKind.KILL).next(), down));
      }
    }
    List<FaultKind> others =
        kinds.stream().filter(kind -> kind != FaultKind.KILL).sorted().toList();
    if (!others.isEmpty()) {
      Turns kindTurns = new Turns(others.stream().map(FaultKind::name).toList(), dice);
      for (long at = QUIET_MILLIS; at <= last; at += around(OTHER_EVERY_MILLIS, dice)) {
        FaultKind kind = FaultKind.valueOf(kindTurns.next());
        long lasting =
            Math.min(
                MIN_LENGTH_MILLIS + dice.nextLong(MAX_LENGTH_MILLIS - MIN_LENGTH_MILLIS),
                length.toMillis() - at);
        faults.add(fault(at, kind, targets.get(kind).next(), lasting));
      }
    }
    faults.sort(Comparator.comparing(Fault::at));
    return new Plan(List.copyOf(faults));
  }

  private static Fault fault(long at, FaultKind kind, String target, long length) {
    return new Fault(Duration.ofMillis(at), kind, target, Duration.ofMillis(length));
  }

  private static long around(long millis, Random dice) {
    return millis / 2 + dice.nextLong(millis);
  }

  private static List<String> targets(FaultKind kind, boolean cluster) {
    List<String> all = new ArrayList<>(SERVICES);
    switch (kind) {
      case KILL, PAUSE -> {
        if (!cluster) {
          all.add(BROKER);
        }
        if (kind == FaultKind.KILL) {
          all.add(GATEWAY);
        }
      }
      case OUTAGE, SLOW, DROP -> all = List.of(GATEWAY);
      case CLUSTER -> all = NODES;
      case DEPLOY, DUPLICATE, PARTITION -> {}
    }
    return all;
  }

  /** Everyone's turn comes once before anyone's comes again, in an order of chance. */
  private static final class Turns {
    private final List<String> all;
    private final List<String> left = new ArrayList<>();
    private final Random dice;

    Turns(List<String> all, Random dice) {
      this.all = all;
      this.dice = dice;
    }

    String next() {
      if (left.isEmpty()) {
        left.addAll(all);
        Collections.shuffle(left, dice);
      }
      return left.removeLast();
    }
  }
}
