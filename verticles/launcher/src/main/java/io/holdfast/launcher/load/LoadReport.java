package io.holdfast.launcher.load;

import io.holdfast.launcher.load.LoadPlan.Pace;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a load says to a person. */
public final class LoadReport {

  private static final int BAR = 20;

  private LoadReport() {}

  /** What is about to be done. */
  public static String intention(LoadPlan plan, URI orders, boolean ramp) {
    String pace =
        switch (plan.pace()) {
          case Pace.Open steady when !ramp -> text("%,.1f orders a second", steady.perSecond());
          case Pace.Open steady -> "ever more orders a second";
          case Pace.Closed loop -> text("%,d orders between request and end", loop.orders());
        };
    return text(
        "%s at %s, %s%s, at most %,d requests under way",
        pace,
        orders,
        seconds(plan.duration()) + (ramp ? " a step" : ""),
        plan.warmUp().isZero() ? "" : " after " + seconds(plan.warmUp()) + " of warm-up",
        plan.connections());
  }

  /** Where it is. */
  public static String status(LoadProgress now, LoadPlan plan, double seconds) {
    double whole = (plan.warmUp().toMillis() + plan.duration().toMillis()) / 1e3;
    String figures =
        text(
            "sent %,d  accepted %,d  at their end %,d  errors %,d",
            now.sent(), now.accepted(), now.done(), now.errors());
    if (now.coming()) {
      int filled = (int) Math.min(BAR, BAR * seconds / whole);
      return text(
          "[%s%s] %.0f of %.0f s  %s  %,.0f/s",
          "=".repeat(filled),
          " ".repeat(BAR - filled),
          Math.min(seconds, whole),
          whole,
          figures,
          now.accepted() / Math.max(0.1, seconds));
    }
    return now.answered() < now.due()
        ? text("waiting for %,d answers  %s", now.due() - now.answered(), figures)
        : text("waiting for the end of %,d orders  %s", now.followed() - now.done(), figures);
  }

  /** What came of it, as a table. */
  public static List<String> lines(LoadResult result) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        text(
            "  accepted        %,d of %,d, %,.1f a second",
            result.accepted(), result.due(), result.acceptedPerSecond()));
    if (result.followed() > 0) {
      String ends =
          text(
              "  at their end    %,d of %,d followed: %,d confirmed, %,d cancelled",
              result.done(), result.followed(), result.confirmedCount(), result.cancelledCount());
      lines.add(
          result.followed() == result.accepted()
              ? ends + text("; %,.0f orders a minute end to end", result.ordersPerMinute())
              : ends);
    }
    lines.add(text("  errors          %,d", result.errorCount()));
    result.errors().forEach((kind, times) -> lines.add(text("    %-26s %,d", kind, times)));
    if (result.unsent() > 0) {
      lines.add(text("    %-26s %,d", "never sent", result.unsent()));
    }
    lines.add("");
    lines.add(
        text("  ms              %10s %10s %10s %10s %10s", "p50", "p90", "p99", "p99.9", "max"));
    row(lines, "due to 202", result.accept());
    row(lines, "due to an error", result.refused());
    row(lines, "due to confirmed", result.confirmed());
    row(lines, "due to told", result.end());
    lines.add("");
    if (result.heldBack() > 0) {
      lines.add(
          text(
              "  %,d requests had to wait for a connection, as all that are allowed were in use;"
                  + " their waits are in the figures",
              result.heldBack()));
    }
    if (result.late() > 0) {
      lines.add(
          text(
              "  %,d requests were sent more than %d ms late, as this machine was too busy; that is"
                  + " in the figures too",
              result.late(), LoadResult.LATE_MICROS / 1_000));
    }
    return lines;
  }

  private static void row(List<String> lines, String name, Latency latency) {
    if (latency.count() > 0) {
      lines.add(
          text(
              "  %-16s%10s %10s %10s %10s %10s",
              name,
              Latency.millis(latency.p50()),
              Latency.millis(latency.p90()),
              Latency.millis(latency.p99()),
              Latency.millis(latency.p999()),
              Latency.millis(latency.max())));
    }
  }

  public static String stepHeader() {
    return text(
        "%n  %10s %12s %12s %12s %14s %10s   %s",
        "rate/s", "accepted/s", "p50 ms", "p99 ms", "confirmed p99", "behind", "");
  }

  public static String line(Knee.Step step) {
    LoadResult result = step.result();
    return text(
        "  %,10.0f %,12.1f %12s %12s %14s %,10d   %s",
        step.rate(),
        result.acceptedPerSecond(),
        Latency.millis(result.accept().p50()),
        Latency.millis(result.accept().p99()),
        Latency.millis(result.confirmed().p99()),
        result.behind(),
        step.problem().map(problem -> "too much: " + problem).orElse("held"));
  }

  public static String conclusion(Knee knee) {
    return knee.held() == 0
        ? "No rate held."
        : text(
            "The knee: %,.0f orders a second held (%,.0f a minute).",
            knee.held(), knee.held() * 60);
  }

  public static JsonObject json(Knee knee) {
    JsonArray steps = new JsonArray();
    for (Knee.Step step : knee.steps()) {
      steps.add(
          step.result()
              .json()
              .put("rate", step.rate())
              .put("held", step.problem().isEmpty())
              .put("problem", step.problem().orElse(null)));
    }
    return new JsonObject().put("held_per_second", knee.held()).put("steps", steps);
  }

  private static String seconds(Duration time) {
    return text(time.toMillis() % 1_000 == 0 ? "%.0f s" : "%.1f s", time.toMillis() / 1e3);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
