package io.holdfast.launcher.reconcile;

/** What must hold, whatever failed meanwhile. */
public enum Invariant {
  I1("every accepted order has its OrderCreated"),
  I2("every order is final: confirmed or cancelled, never both"),
  I3("nobody is charged twice: confirmed has one charge, cancelled none"),
  I4("stock adds up and is never oversold"),
  I5("every final order has exactly one NotificationSent"),
  I6("the ledger holds every message, in order, and its chain verifies"),
  I7("every message is acknowledged after its effect, or parked"),
  I8("no fact is stored twice"),
  I9("all events of an order carry its trace");

  private final String sentence;

  Invariant(String sentence) {
    this.sentence = sentence;
  }

  public String sentence() {
    return sentence;
  }
}
