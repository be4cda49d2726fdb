import AppLayout from "@cloudscape-design/components/app-layout";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { matchPath, useHref, useLocation, useNavigate } from "react-router";
import { ErrorAlert } from "../common/ErrorAlert";
import { type Notify, NotifyContext } from "../common/notify";
import { CommandsDrawer } from "./CommandsDrawer";
import { MENU } from "./menu";
import { pages } from "./pages";
import { TopBar } from "./TopBar";

/** Pixels of a window in which the menu leaves enough of a page. */
const ROOM_FOR_MENU = 1024;

const hasRoomForMenu = () => window.innerWidth >= ROOM_FOR_MENU;

/** Top bar, menu, breadcrumbs, messages, and the drawer of commands, around whichever page is shown. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation(["shell", "common"]);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const base = useHref("/").replace(/\/$/, "");
  const [messages, setMessages] = useState<FlashbarProps.MessageDefinition[]>([]);
  const [drawer, setDrawer] = useState<string | null>(null);
  const [menu, setMenu] = useState(hasRoomForMenu);

  const page = pages.find((one) => matchPath(`/${one.path}`, pathname));
  const active = page?.under ?? page?.path ?? "";

  const notify = useMemo<Notify>(() => {
    const add = (message: FlashbarProps.MessageDefinition) => {
      const id = crypto.randomUUID();
      const dismiss = () => {
        setMessages((before) => before.filter((one) => one.id !== id));
      };
      setMessages((before) => [{ ...message, id, dismissible: true, onDismiss: dismiss }, ...before].slice(0, 4));
    };
    return {
      success: (content) => {
        add({ type: "success", content });
      },
      failure: (error) => {
        add({ type: "error", content: <ErrorAlert error={error} /> });
      },
    };
  }, []);

  const follow = (event: CustomEvent<{ href?: string; external?: boolean }>) => {
    if (event.detail.href === undefined || event.detail.external) return;
    event.preventDefault();
    if (!hasRoomForMenu()) setMenu(false);
    void navigate(event.detail.href.slice(base.length) || "/");
  };

  return (
    <NotifyContext value={notify}>
      <TopBar />
      <AppLayout
        headerSelector="#top-bar"
        navigationOpen={menu}
        onNavigationChange={({ detail }) => {
          setMenu(detail.open);
        }}
        navigation={
          <SideNavigation
            header={{ text: "OpenGWLB", href: `${base}/` }}
            activeHref={`${base}/${active}`}
            onFollow={follow}
            items={MENU.map((section) => ({
              type: "section",
              text: t(`menu.${section.title}`),
              items: section.entries.map((entry) => ({
                type: "link" as const,
                text: t(`pages.${entry}`),
                href: `${base}/${entry}`,
              })),
            }))}
          />
        }
        breadcrumbs={
          <BreadcrumbGroup
            onFollow={follow}
            items={[
              { text: "OpenGWLB", href: `${base}/` },
              ...(page?.under ? [{ text: t(`pages.${page.under}`), href: `${base}/${page.under}` }] : []),
              ...(page ? [{ text: t(page.title), href: base + pathname }] : []),
            ]}
          />
        }
        notifications={<Flashbar items={messages} stackItems />}
        drawers={[
          {
            id: "commands",
            content: <CommandsDrawer />,
            trigger: { iconName: "script" },
            ariaLabels: {
              drawerName: t("commands.title"),
              triggerButton: t("commands.title"),
              closeButton: t("common:close"),
            },
            resizable: true,
            defaultSize: 420,
          },
        ]}
        activeDrawerId={drawer}
        onDrawerChange={({ detail }) => {
          setDrawer(detail.activeDrawerId);
        }}
        content={children}
      />
    </NotifyContext>
  );
}
