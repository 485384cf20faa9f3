package quotefeed;

public interface QuoteListener {
    void onQuote(String symbol, String price);
}
