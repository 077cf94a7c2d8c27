package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/** All that was measured, round by round. A figure is named {@code step.figure}. */
public final class Figures {

  /** Processes that do the measuring, and are no part of what is measured. */
  private static final Set<String> MEASURING = Set.of("load", "bench");

  private static final String SIMULATOR = "simulator";

  private final Map<String, List<JsonObject>> rounds = new LinkedHashMap<>();

  /** A figure over all rounds. */
  record Spread(double median, double min, double max) {}

  /** Adds a round of somebody. */
  public void add(Contestant contestant, Mode mode, JsonObject figures) {
    rounds.computeIfAbsent(key(contestant, mode), none -> new ArrayList<>()).add(figures);
  }

  /** Whether there is anything of it. */
  boolean has(Contestant contestant, Mode mode) {
    return rounds.containsKey(key(contestant, mode));
  }

  /** Empty if no round has it. */
  Optional<Spread> of(Contestant contestant, Mode mode, String figure) {
    double[] values =
        rounds.getOrDefault(key(contestant, mode), List.of()).stream()
            .filter(round -> round.getValue(figure) instanceof Number)
            .mapToDouble(round -> round.getDouble(figure))
            .sorted()
            .toArray();
    if (values.length == 0) {
      return Optional.empty();
    }
    int middle = values.length / 2;
    double median =
        values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return Optional.of(new Spread(median, values[0], values[values.length - 1]));
  }

  OptionalDouble median(Contestant contestant, Mode mode, String figure) {
    return of(contestant, mode, figure)
        .map(spread -> OptionalDouble.of(spread.median()))
        .orElse(OptionalDouble.empty());
  }

  /** The processes that a figure is known of, such as {@code saturated.cpu_s}. */
  Set<String> processes(Contestant contestant, Mode mode, String figure) {
    Set<String> names = new TreeSet<>();
    for (JsonObject round : rounds.getOrDefault(key(contestant, mode), List.of())) {
      round.fieldNames().stream()
          .filter(name -> name.startsWith(figure + "."))
          .map(name -> name.substring(figure.length() + 1))
          .filter(name -> !MEASURING.contains(name))
          .forEach(names::add);
    }
    return names;
  }

  /**
   * Adds the sums over processes that a round's figures allow for.
   *
   * @param step whose
   */
  static void sum(JsonObject round, String step) {
    for (String figure : List.of("cpu_s", "rss_mib", "allocated_kib")) {
      String prefix = step + "." + figure + ".";
      double all = 0;
      double withoutSimulator = 0;
      for (String name : round.fieldNames().toArray(String[]::new)) {
        if (name.startsWith(prefix) && !MEASURING.contains(name.substring(prefix.length()))) {
          double value = round.getDouble(name);
          all += value;
          withoutSimulator += name.endsWith("." + SIMULATOR) ? 0 : value;
        }
      }
      if (all > 0) {
        round.put(step + "." + figure + "_all", all);
        round.put(step + "." + figure + "_without_simulator", withoutSimulator);
      }
    }
  }

  /** One round's figures of several steps, under {@code step.figure}. */
  public static JsonObject flat(Map<String, JsonObject> steps) {
    JsonObject flat = new JsonObject();
    steps.forEach(
        (step, figures) ->
            figures.forEach(figure -> flat.put(step + "." + figure.getKey(), figure.getValue())));
    steps.keySet().forEach(step -> sum(flat, step));
    return flat;
  }

  /** Everything, as it was measured. */
  public JsonObject json() {
    JsonObject json = new JsonObject();
    for (Mode mode : Mode.values()) {
      JsonObject ofMode = new JsonObject();
      Arrays.stream(Contestant.values())
          .filter(contestant -> has(contestant, mode))
          .forEach(
              contestant ->
                  ofMode.put(
                      contestant.word(),
                      new JsonArray(new ArrayList<>(rounds.get(key(contestant, mode))))));
      if (!ofMode.isEmpty()) {
        json.put(mode.word(), ofMode);
      }
    }
    return json;
  }

  private static String key(Contestant contestant, Mode mode) {
    return contestant + "/" + mode;
  }
}
