import Modal from "@cloudscape-design/components/modal";
import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useHref } from "react-router";
import type { AwsError } from "../api/http";
import { useNotify } from "../common/notify";
import { knownLanguage, LANGUAGES, setLanguage } from "../i18n";
import { useConnected } from "../live/LiveProvider";
import { LoginPage } from "../session/LoginPage";
import { useScope } from "../session/scope";
import { enterAccount, logOut, useSession } from "../session/session";
import { useOtherAccounts } from "../session/accounts";
import { firstTheme, setTheme, type Theme } from "./theme";

const NAMES = { en: "English", ko: "한국어" };

/** Account, region, language, theme; and whether the event stream is connected. */
export function TopBar() {
  const { t, i18n } = useTranslation(["shell", "common"]);
  const scope = useScope();
  const session = useSession();
  const notify = useNotify();
  const connected = useConnected();
  const others = useOtherAccounts();
  const [theme, choose] = useState<Theme>(firstTheme);
  const [adding, setAdding] = useState(false);
  const language = knownLanguage(i18n.language);

  const enter = (account: string) => {
    if (session.state.accounts.some((one) => one.account === account)) session.choose({ account });
    else
      enterAccount(scope, account).then((state) => {
        session.replace(state, account);
      }, notify.failure);
  };
  const leave = () => {
    logOut(scope.account).then(session.replace, (refused: AwsError) => {
      notify.failure(refused);
    });
  };

  const utilities: TopNavigationProps.Utility[] = [
    {
      type: "button",
      iconName: connected ? "status-positive" : "status-warning",
      ariaLabel: connected ? t("stream.on") : t("stream.off"),
      title: connected ? t("stream.on") : t("stream.off"),
      disableUtilityCollapse: false,
    },
    {
      type: "menu-dropdown",
      text: NAMES[language],
      ariaLabel: `${t("language")}: ${NAMES[language]}`,
      items: LANGUAGES.map((one) => ({ id: one, text: NAMES[one] })),
      onItemClick: ({ detail }) => {
        setLanguage(knownLanguage(detail.id));
      },
    },
    {
      type: "button",
      text: theme === "dark" ? t("theme.light") : t("theme.dark"),
      onClick: () => {
        const next = theme === "dark" ? "light" : "dark";
        choose(next);
        setTheme(next);
      },
    },
    {
      type: "menu-dropdown",
      text: scope.region,
      ariaLabel: `${t("region")}: ${scope.region}`,
      items: session.state.regions.map((one) => ({ id: one, text: one })),
      onItemClick: ({ detail }) => {
        session.choose({ region: detail.id });
      },
    },
    {
      type: "menu-dropdown",
      iconName: "user-profile",
      text: session.current.name,
      description: session.current.account,
      ariaLabel: `${t("account.menu")}: ${session.current.name}`,
      items: [
        {
          id: "accounts",
          text: t("account.switch"),
          items: [...session.state.accounts, ...others].map((one) => ({
            id: one.account,
            text: one.name,
            secondaryText: one.account,
          })),
        },
        { id: "add", text: t("account.add") },
        { id: "leave", text: t("account.leave") },
      ],
      onItemClick: ({ detail }) => {
        if (detail.id === "add") setAdding(true);
        else if (detail.id === "leave") leave();
        else enter(detail.id);
      },
    },
  ];
  return (
    <div id="top-bar">
      <TopNavigation identity={{ href: useHref("/"), title: "OpenGWLB" }} utilities={utilities} />
      {adding && (
        <Modal
          visible
          onDismiss={() => {
            setAdding(false);
          }}
        >
          <LoginPage
            onEntered={(state, account) => {
              session.replace(state, account);
              setAdding(false);
            }}
            onCancel={() => {
              setAdding(false);
            }}
          />
        </Modal>
      )}
    </div>
  );
}
