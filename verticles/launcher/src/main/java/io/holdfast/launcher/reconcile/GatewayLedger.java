package io.holdfast.launcher.reconcile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/**
 * The charges of {@code GET /simulator/ledger}, read one at a time, so that there may be millions.
 * Each iteration reads the ledger anew. Blocking.
 */
public final class GatewayLedger implements Iterable<Charge> {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Supplier<InputStream> ledger;

  /**
   * @param ledger opens the document; closed when its end is reached
   */
  public GatewayLedger(Supplier<InputStream> ledger) {
    this.ledger = ledger;
  }

  /**
   * @throws UncheckedIOException if the document breaks off or is no ledger, from here on and from
   *     each step
   */
  @Override
  public Iterator<Charge> iterator() {
    try {
      JsonParser parser = JSON.getFactory().createParser(ledger.get());
      while (!"charges".equals(parser.currentName())
          || parser.nextToken() != JsonToken.START_ARRAY) {
        if (parser.nextToken() == null) {
          throw new IOException("there is no list of charges");
        }
      }
      return new Charges(parser);
    } catch (IOException e) {
      throw new UncheckedIOException("the gateway's ledger cannot be read", e);
    }
  }

  private static final class Charges implements Iterator<Charge> {
    private final JsonParser parser;
    private boolean more;

    Charges(JsonParser parser) throws IOException {
      this.parser = parser;
      advance();
    }

    private void advance() throws IOException {
      more = parser.nextToken() == JsonToken.START_OBJECT;
      if (!more) {
        parser.close();
      }
    }

    @Override
    public boolean hasNext() {
      return more;
    }

    @Override
    public Charge next() {
      if (!more) {
        throw new NoSuchElementException();
      }
      try {
        JsonNode charge = JSON.readTree(parser);
        advance();
        return new Charge(
            charge.path("id").asText(),
            charge.path("order_id").asText(),
            charge.path("amount").asLong(),
            charge.path("currency").asText().toUpperCase(Locale.ROOT),
            charge.path("status").asText());
      } catch (IOException e) {
        throw new UncheckedIOException("the gateway's ledger cannot be read", e);
      }
    }
  }
}
