package io.holdfast.gateway.http;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of the search query language that finds an order's payments: {@code
 * metadata['key']:'value'} and {@code status:'value'}, joined by {@code AND}.
 *
 * @param status null for any
 * @see <a href="https://docs.stripe.com/search#search-query-language">Stripe: search query
 *     language</a>
 */
record SearchQuery(Map<String, String> metadata, String status) {

  private static final String TEXT = "(?:'((?:[^'\\\\]|\\\\.)*)'|\"((?:[^\"\\\\]|\\\\.)*)\")";

  private static final Pattern CLAUSE =
      Pattern.compile(
          "\\s*(?:metadata\\[" + TEXT + "\\]|(status))\\s*:\\s*" + TEXT + "\\s*(?:$|AND(?=\\s))",
          Pattern.CASE_INSENSITIVE);

  /**
   * @throws StripeException if it is not of this part
   */
  static SearchQuery parse(String query) {
    Map<String, String> metadata = new LinkedHashMap<>();
    String status = null;
    Matcher clause = CLAUSE.matcher(query);
    int end = 0;
    while (end < query.length()) {
      if (!clause.find(end) || clause.start() != end) {
        throw unsupported();
      }
      String value = text(clause, 4);
      if (clause.group(3) == null) {
        String before = metadata.put(text(clause, 1), value);
        if (before != null && !before.equals(value)) {
          throw unsupported();
        }
      } else {
        status = value;
      }
      end = clause.end();
    }
    if (metadata.isEmpty() && status == null) {
      throw unsupported();
    }
    return new SearchQuery(metadata, status);
  }

  private static String text(Matcher clause, int group) {
    String single = clause.group(group);
    return (single == null ? clause.group(group + 1) : single).replaceAll("\\\\(.)", "$1");
  }

  private static StripeException unsupported() {
    return StripeParams.invalid(
        null,
        "The query is not one that can be searched for: write metadata['key']:'value' or"
            + " status:'value', joined by AND.",
        "query");
  }
}
