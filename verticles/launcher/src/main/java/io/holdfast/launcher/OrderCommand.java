package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.DemoStock.Article;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Places an order as a customer would, and shows what becomes of it. */
@Command(
    name = "order",
    mixinStandardHelpOptions = true,
    description =
        "Places a demo order and follows it to its end; with --count, many of them at once.")
final class OrderCommand implements Callable<Integer> {

  private static final long LOOK_MILLIS = 25;

  /** How long a cancelled order's stock is waited for once its customer was told. */
  private static final Duration RELEASE = Duration.ofSeconds(3);

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private DataFolder dataFolder;

  @Option(names = "--customer", paramLabel = "ID", description = "Default: demo-customer")
  private String customer = "demo-customer";

  @Option(
      names = "--item",
      paramLabel = "SKU[:QUANTITY[:PRICE]]",
      description = "What to order; may be repeated. Default: espresso-cup:2")
  private List<String> items;

  @Option(
      names = "--amount",
      paramLabel = "N",
      description = "An order of an amount alone",
      converter = Decimal.class)
  private BigDecimal amount;

  @Option(names = "--currency", paramLabel = "CODE", description = "ISO 4217. Default: EUR")
  private String currency = "EUR";

  @Option(
      names = "--payment-method",
      paramLabel = "NAME",
      description = "For example pm_card_chargeDeclined. Default: a card that is accepted")
  private String paymentMethod;

  @Option(names = "--key", paramLabel = "KEY", description = "An Idempotency-Key to send")
  private String key;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "Of orders. Default: the running system's")
  private String url;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "For the order's end. Default: 60")
  private int timeoutSeconds = 60;

  @Option(names = "--count", paramLabel = "N", description = "Place so many, as fast as they go")
  private int count = 1;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "Requests under way at a time, with --count. Default: 64")
  private int concurrency = 64;

  @Override
  public Integer call() throws Exception {
    if (count < 1 || concurrency < 1 || timeoutSeconds < 1) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--count, --concurrency and --timeout must be 1 or more");
    }
    Optional<RunningSystem> running = dataFolder.system();
    if (running.isEmpty() && url == null) {
      return Terminal.refused(spec, dataFolder.noOrdersService());
    }
    String orders =
        url != null ? Api.base(spec, "--url ", url, "").toString() : running.get().url("orders");
    // Elsewhere is somebody else's system: nothing here knows its orders or is held to them.
    Optional<RunningSystem> system = running.filter(found -> orders.equals(found.url("orders")));
    JsonObject body = body();
    AcceptedOrders accepted = new AcceptedOrders(system.flatMap(here -> dataFolder.known()));
    if (count > 1 && system.isEmpty()) {
      return Terminal.refused(
          spec,
          "--count follows the orders through the streams, so it needs a system that ./holdfast up started.");
    }
    if (count > 1) {
      return OrderBurst.run(
          orders,
          body,
          count,
          concurrency,
          Duration.ofSeconds(timeoutSeconds),
          system.get(),
          accepted);
    }
    return one(orders, system.map(s -> s.url("audit")), body, accepted);
  }

  private Integer one(
      String orders, Optional<String> audit, JsonObject body, AcceptedOrders accepted)
      throws Exception {
    Api.get(
        orders + "/health"); // so that what is measured is the order, not this client's first steps
    long begun = System.nanoTime();
    Api.Answer answer =
        key == null
            ? Api.post(orders + "/orders", body)
            : Api.post(orders + "/orders", body, "Idempotency-Key", key);
    long tookMillis = (System.nanoTime() - begun) / 1_000_000;
    if (answer.status() != 202) {
      return Terminal.refused(
          spec, "Not accepted: %d %s".formatted(answer.status(), readable(answer)));
    }
    String orderId = answer.json().getString("order_id");
    accepted.add(orderId);
    say(
        "Order %s accepted after %d ms, trace %s",
        Terminal.bold(orderId), tookMillis, answer.json().getString("trace_id"));
    say("");
    return follow(orders, audit, orderId);
  }

  private Integer follow(String orders, Optional<String> audit, String orderId) throws Exception {
    Story story = new Story();
    long deadline = System.nanoTime() + Duration.ofSeconds(timeoutSeconds).toNanos();
    long releaseBy = 0;
    while (System.nanoTime() - deadline < 0) {
      events(orders, audit, orderId).ifPresent(story::tell);
      if (story.ended(audit.isPresent())) {
        releaseBy = releaseBy == 0 ? System.nanoTime() + RELEASE.toNanos() : releaseBy;
        if (!story.owesRelease() || audit.isEmpty() || System.nanoTime() - releaseBy > 0) {
          say("");
          say(story.conclusion());
          return 0;
        }
      }
      Thread.sleep(LOOK_MILLIS);
    }
    say("");
    say(
        "Not at its end after %d s. Look again: curl %s/orders/%s",
        timeoutSeconds, orders, orderId);
    return 1;
  }

  /** What is known of the order by now; nothing while nobody answers. */
  private static Optional<JsonArray> events(String orders, Optional<String> audit, String orderId) {
    try {
      Api.Answer answer =
          Api.get(
              audit.isPresent()
                  ? audit.get() + "/audit/orders/" + orderId
                  : orders + "/orders/" + orderId);
      return answer.status() == 200
          ? Optional.of(answer.json().getJsonArray(audit.isPresent() ? "events" : "history"))
          : Optional.empty();
    } catch (Api.Unreachable away) {
      return Optional.empty();
    }
  }

  private JsonObject body() {
    JsonObject body = new JsonObject().put("customer_id", customer).put("currency", currency);
    if (paymentMethod != null) {
      body.put("payment_method", paymentMethod);
    }
    if (amount != null) {
      body.put("amount", amount);
    }
    if (amount == null || items != null) {
      JsonArray lines = new JsonArray();
      (items == null ? List.of("espresso-cup:2") : items).forEach(item -> lines.add(line(item)));
      body.put("items", lines);
    }
    return body;
  }

  private JsonObject line(String item) {
    String[] parts = item.split(":", -1);
    try {
      int quantity = parts.length > 1 ? Integer.parseInt(parts[1]) : 1;
      BigDecimal price =
          parts.length > 2
              ? new BigDecimal(parts[2])
              : DemoStock.ARTICLES.stream()
                  .filter(article -> article.sku().equals(parts[0]))
                  .findFirst()
                  .map(Article::price)
                  .orElse(BigDecimal.TEN);
      return new JsonObject()
          .put("sku", parts[0])
          .put("quantity", quantity)
          .put("unit_price", price);
    } catch (NumberFormatException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "--item " + item + ": must be SKU, SKU:QUANTITY or SKU:QUANTITY:PRICE",
          e);
    }
  }

  private static final class Decimal implements CommandLine.ITypeConverter<BigDecimal> {
    @Override
    public BigDecimal convert(String value) {
      try {
        return new BigDecimal(value);
      } catch (NumberFormatException e) {
        throw new CommandLine.TypeConversionException("must be a decimal number, as 12.50");
      }
    }
  }

  private static String readable(Api.Answer answer) {
    try {
      return answer.json().getString("title") + ": " + answer.json().getString("detail");
    } catch (RuntimeException notAProblem) {
      return answer.body();
    }
  }

  /**
   * Tells an order's events in the order of their time, each once. The streams are read beside each
   * other, so a look may find an event without the one that it followed; that one was stored
   * before, so the next look finds it. Therefore an event is told one look after it was found.
   */
  static final class Story {
    private static final String CONFIRMED = "OrderConfirmed";
    private static final String CANCELLED = "OrderCancelled";

    private final Set<String> found = new HashSet<>();
    private final Set<String> told = new HashSet<>();
    private final Set<String> traces = new HashSet<>();
    private final Set<String> types = new HashSet<>();
    private Instant first;
    private Instant end;

    /**
     * @param events all that a look found
     */
    void tell(JsonArray events) {
      List<JsonObject> untold =
          events.stream()
              .map(JsonObject.class::cast)
              .filter(event -> !told.contains(id(event)))
              .sorted(Comparator.comparing(Story::at))
              .toList();
      int ripe = 0;
      for (int i = 0; i < untold.size(); i++) {
        ripe = found.contains(id(untold.get(i))) ? i + 1 : ripe;
      }
      untold.subList(0, ripe).forEach(this::tell);
      untold.forEach(event -> found.add(id(event)));
    }

    private void tell(JsonObject event) {
      told.add(id(event));
      Instant at = at(event);
      first = first == null ? at : first;
      String type = event.getString("type");
      types.add(type);
      if (end == null && (type.equals(CONFIRMED) || type.equals(CANCELLED))) {
        end = at;
      }
      if (event.containsKey("trace_id")) {
        traces.add(event.getString("trace_id"));
      }
      say(
          "  %8s  %-18s %s",
          "+" + Math.max(0, Duration.between(first, at).toMillis()) + " ms",
          type,
          Terminal.faint(place(event)));
    }

    private static String id(JsonObject event) {
      return event.getString("event_id");
    }

    private static Instant at(JsonObject event) {
      return Instant.parse(event.getString("timestamp"));
    }

    private static String place(JsonObject event) {
      return event.containsKey("stream")
          ? event.getString("stream") + " #" + event.getLong("sequence")
          : "";
    }

    /** Final, and the customer told; without audit the notification cannot be seen. */
    boolean ended(boolean withAudit) {
      return end != null && (!withAudit || types.contains("NotificationSent"));
    }

    /** Cancelled, and what was reserved for it is not free again yet. */
    boolean owesRelease() {
      return types.contains(CANCELLED)
          && types.contains("InventoryReserved")
          && !types.contains("InventoryReleased");
    }

    /** How it ended, and when by the time of the fact that ended it. */
    String conclusion() {
      return "%s after %d ms: %d events%s"
          .formatted(
              types.contains(CONFIRMED) ? Terminal.good("confirmed") : Terminal.bad("cancelled"),
              Math.max(0, Duration.between(first, end).toMillis()),
              told.size(),
              traces.isEmpty()
                  ? ""
                  : traces.size() == 1 ? ", one trace" : ", " + traces.size() + " traces");
    }
  }

  /**
   * Where the orders that got a 202 are noted, for {@code reconcile} to hold the system to them.
   */
  static final class AcceptedOrders {
    static final String FILE = "accepted-orders.log";
    private final Optional<Path> file;

    /**
     * @param data the folder of a system that may be held to them; without one nothing is noted
     */
    AcceptedOrders(Optional<Path> data) {
      this.file = data.map(folder -> folder.resolve(FILE));
    }

    void add(String orderId) throws java.io.IOException {
      addAll(List.of(orderId));
    }

    void addAll(List<String> orderIds) throws java.io.IOException {
      if (file.isEmpty()) {
        return;
      }
      java.nio.file.Files.createDirectories(file.get().getParent());
      java.nio.file.Files.write(
          file.get(),
          orderIds,
          java.nio.file.StandardOpenOption.CREATE,
          java.nio.file.StandardOpenOption.APPEND);
    }
  }
}
