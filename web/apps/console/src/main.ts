import "@kefu/ui/tokens.css";
import "./console.css";
import { createApp } from "vue";
import App from "./App.vue";
import { whenRefused } from "./desk/request";
import { stopLive } from "./live";
import { goToLogIn, meetNeeds, router } from "./router";
import { ended } from "./session";
import { followLanguage } from "./texts";
import { followTheme } from "./theme";

followTheme();
followLanguage();
whenRefused((error) => {
  if (error.code === "must_change_password") {
    const { name, fullPath } = router.currentRoute.value;
    if (name !== "password") void router.replace({ name: "password", query: { next: fullPath } });
    return;
  }
  if (error.code === "second_factor_required" || error.code === "sso_required") {
    void meetNeeds();
    return;
  }
  stopLive();
  ended();
  goToLogIn();
});
createApp(App).use(router).mount("#app");
