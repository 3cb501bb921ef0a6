"""A chart for whoever came through the proxy. It listens on loopback only, so the header can be believed."""

import streamlit as st

who = st.context.headers.get("X-Pomerium-Claim-Email", "nobody")
st.title(f"Hello, {who}")
points = st.slider("Points", 1, 20, 5)
st.line_chart([n * n for n in range(points)])
if st.button("Count"):
    st.write(f"{points} points for {who}")
