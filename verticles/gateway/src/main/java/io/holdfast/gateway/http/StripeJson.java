package io.holdfast.gateway.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.holdfast.gateway.domain.Charge;
import io.holdfast.gateway.domain.Decline;
import io.holdfast.gateway.domain.IntentStatus;
import io.holdfast.gateway.domain.Outcome;
import io.holdfast.gateway.domain.PaymentIntent;
import io.holdfast.gateway.domain.Refund;
import io.holdfast.gateway.domain.StripeError;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/**
 * What goes out, in the API's words. A function of its arguments alone: the same outcome has the
 * same bytes, today and after a restart.
 *
 * @see <a href="https://docs.stripe.com/api/payment_intents/object">Stripe: the PaymentIntent
 *     object</a>
 */
final class StripeJson {

  private static final JsonFactory JSON = new JsonFactory();

  private StripeJson() {}

  /** Writes one value. */
  @FunctionalInterface
  private interface Writer {
    void to(JsonGenerator out) throws IOException;
  }

  static Buffer of(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Shown shown -> of(shown.intent());
      case Outcome.Returned back -> of(back.refund());
      case Outcome.Refused no -> of(no.error(), no.intent());
    };
  }

  static Buffer of(PaymentIntent intent) {
    return written(out -> write(out, intent));
  }

  static Buffer of(Refund refund) {
    return written(out -> write(out, refund));
  }

  /**
   * @param intent null if the error is not about one
   */
  static Buffer of(StripeError error, PaymentIntent intent) {
    return written(
        out -> {
          out.writeStartObject();
          out.writeObjectFieldStart("error");
          optional(out, "charge", error.charge());
          optional(out, "code", error.code());
          optional(out, "decline_code", error.declineCode());
          if (error.code() != null) {
            out.writeStringField(
                "doc_url", "https://docs.stripe.com/error-codes/" + error.code().replace('_', '-'));
          }
          out.writeStringField("message", error.message());
          optional(out, "param", error.param());
          if (intent != null) {
            out.writeFieldName("payment_intent");
            write(out, intent);
          }
          out.writeStringField("type", error.type());
          out.writeEndObject();
          out.writeEndObject();
        });
  }

  static Buffer intents(List<PaymentIntent> page, boolean more) {
    return written(
        out -> {
          out.writeStartObject();
          out.writeStringField("object", "list");
          out.writeStringField("url", "/v1/payment_intents");
          out.writeBooleanField("has_more", more);
          out.writeArrayFieldStart("data");
          for (PaymentIntent intent : page) {
            write(out, intent);
          }
          out.writeEndArray();
          out.writeEndObject();
        });
  }

  /**
   * @param next where the next page begins; null if this is the last
   */
  static Buffer found(List<PaymentIntent> page, String next) {
    return written(
        out -> {
          out.writeStartObject();
          out.writeStringField("object", "search_result");
          out.writeStringField("url", "/v1/payment_intents/search");
          out.writeBooleanField("has_more", next != null);
          nullable(out, "next_page", next);
          out.writeArrayFieldStart("data");
          for (PaymentIntent intent : page) {
            write(out, intent);
          }
          out.writeEndArray();
          out.writeEndObject();
        });
  }

  static Buffer refunds(List<Refund> page, boolean more) {
    return written(
        out -> {
          out.writeStartObject();
          out.writeStringField("object", "list");
          out.writeStringField("url", "/v1/refunds");
          out.writeBooleanField("has_more", more);
          out.writeArrayFieldStart("data");
          for (Refund refund : page) {
            write(out, refund);
          }
          out.writeEndArray();
          out.writeEndObject();
        });
  }

  /** Lines of the ledger, as they stand in its array: with commas between, without brackets. */
  static Buffer lines(List<Charge> charges) {
    Buffer lines = Buffer.buffer();
    for (Charge charge : charges) {
      if (lines.length() > 0) {
        lines.appendByte((byte) ',');
      }
      lines.appendBuffer(written(out -> write(out, charge)));
    }
    return lines;
  }

  private static void write(JsonGenerator out, Charge charge) throws IOException {
    PaymentIntent intent = charge.intent();
    out.writeStartObject();
    out.writeStringField("id", intent.id());
    nullable(out, "charge", intent.latestCharge());
    nullable(out, "order_id", intent.orderId());
    out.writeNumberField("amount", intent.amount());
    out.writeNumberField("amount_refunded", intent.amountRefunded());
    out.writeStringField("currency", intent.currency());
    out.writeStringField("status", charge.status());
    nullable(out, "idempotency_key", intent.idempotencyKey());
    out.writeNumberField("created", intent.created());
    out.writeEndObject();
  }

  private static void write(JsonGenerator out, PaymentIntent intent) throws IOException {
    out.writeStartObject();
    out.writeStringField("id", intent.id());
    out.writeStringField("object", "payment_intent");
    out.writeNumberField("amount", intent.amount());
    out.writeNumberField("amount_capturable", 0);
    out.writeNumberField(
        "amount_received", intent.status() == IntentStatus.SUCCEEDED ? intent.amount() : 0);
    out.writeNullField("application");
    out.writeNullField("application_fee_amount");
    out.writeNullField("automatic_payment_methods");
    if (intent.canceledAt() == null) {
      out.writeNullField("canceled_at");
    } else {
      out.writeNumberField("canceled_at", intent.canceledAt());
    }
    nullable(out, "cancellation_reason", intent.cancellationReason());
    out.writeStringField("capture_method", "automatic");
    out.writeStringField("client_secret", clientSecret(intent));
    out.writeStringField("confirmation_method", "automatic");
    out.writeNumberField("created", intent.created());
    out.writeStringField("currency", intent.currency());
    out.writeNullField("customer");
    nullable(out, "description", intent.description());
    if (intent.decline() == null) {
      out.writeNullField("last_payment_error");
    } else {
      write(out, intent.decline(), intent.latestCharge());
    }
    nullable(out, "latest_charge", intent.latestCharge());
    out.writeBooleanField("livemode", false);
    write(out, intent.metadata());
    out.writeNullField("next_action");
    out.writeNullField("on_behalf_of");
    nullable(out, "payment_method", intent.paymentMethod());
    out.writeObjectFieldStart("payment_method_options");
    out.writeEndObject();
    out.writeArrayFieldStart("payment_method_types");
    out.writeString("card");
    out.writeEndArray();
    out.writeNullField("processing");
    out.writeNullField("receipt_email");
    out.writeNullField("review");
    out.writeNullField("setup_future_usage");
    out.writeNullField("shipping");
    out.writeNullField("statement_descriptor");
    out.writeNullField("statement_descriptor_suffix");
    out.writeStringField("status", intent.status().wire());
    out.writeNullField("transfer_data");
    out.writeNullField("transfer_group");
    out.writeEndObject();
  }

  private static void write(JsonGenerator out, Decline decline, String charge) throws IOException {
    out.writeObjectFieldStart("last_payment_error");
    nullable(out, "charge", charge);
    out.writeStringField("code", decline.code());
    optional(out, "decline_code", decline.declineCode());
    out.writeStringField("message", decline.message());
    out.writeObjectFieldStart("payment_method");
    out.writeStringField("id", decline.paymentMethod());
    out.writeStringField("object", "payment_method");
    out.writeStringField("type", "card");
    out.writeEndObject();
    out.writeStringField("type", "card_error");
    out.writeEndObject();
  }

  private static void write(JsonGenerator out, Refund refund) throws IOException {
    out.writeStartObject();
    out.writeStringField("id", refund.id());
    out.writeStringField("object", "refund");
    out.writeNumberField("amount", refund.amount());
    out.writeNullField("balance_transaction");
    out.writeStringField("charge", refund.charge());
    out.writeNumberField("created", refund.created());
    out.writeStringField("currency", refund.currency());
    write(out, refund.metadata());
    out.writeStringField("payment_intent", refund.paymentIntent());
    nullable(out, "reason", refund.reason());
    out.writeNullField("receipt_number");
    out.writeNullField("source_transfer_reversal");
    out.writeStringField("status", "succeeded");
    out.writeNullField("transfer_reversal");
    out.writeEndObject();
  }

  private static void write(JsonGenerator out, Map<String, String> metadata) throws IOException {
    out.writeObjectFieldStart("metadata");
    for (Map.Entry<String, String> pair : metadata.entrySet()) {
      out.writeStringField(pair.getKey(), pair.getValue());
    }
    out.writeEndObject();
  }

  /** Guards nothing here; clients merely expect its shape. */
  private static String clientSecret(PaymentIntent intent) {
    return intent.id()
        + "_secret_"
        + new StringBuilder(intent.id().substring("pi_".length())).reverse();
  }

  private static void nullable(JsonGenerator out, String name, String value) throws IOException {
    out.writeFieldName(name);
    out.writeString(value); // null is written as null
  }

  private static void optional(JsonGenerator out, String name, String value) throws IOException {
    if (value != null) {
      out.writeStringField(name, value);
    }
  }

  private static Buffer written(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1_536);
    try (JsonGenerator out = JSON.createGenerator(bytes)) {
      writer.to(out);
    } catch (IOException impossible) { // memory alone is written to
      throw new UncheckedIOException(impossible);
    }
    return Buffer.buffer(bytes.toByteArray());
  }
}
